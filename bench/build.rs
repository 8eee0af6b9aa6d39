//! Makes the server that tonic and prost make of the contract when nobody changes anything: the echo serves it. The
//! messages are `robot_api`'s own.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../proto/robot");
    println!("cargo:rerun-if-changed=build.rs");
    let descriptors = protox::compile(["robot/v1/robot.proto"], ["../proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        .extern_path(".robot.v1", "::robot_api::v1")
        .compile_fds(descriptors)?;
    Ok(())
}
