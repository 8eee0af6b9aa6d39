//! The methods that the server has, by their paths: what metrics and traces call them. A path that is none of them has no
//! name of its own, or anybody could make any number of names.

/// How many messages go which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Unary,
    ServerStream,
    BidiStream,
}

/// One method.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

const ROBOT: &str = "robot.v1.RobotService";
const HEALTH: &str = "grpc.health.v1.Health";

static METHODS: [Method; 8] = [
    Method::new(ROBOT, "ExecuteStream", Shape::BidiStream),
    Method::new(ROBOT, "Execute", Shape::Unary),
    Method::new(ROBOT, "GetServerInfo", Shape::Unary),
    Method::new(ROBOT, "WatchWorkers", Shape::ServerStream),
    Method::new(HEALTH, "Check", Shape::Unary),
    Method::new(HEALTH, "Watch", Shape::ServerStream),
    Method::new(
        "grpc.reflection.v1.ServerReflection",
        "ServerReflectionInfo",
        Shape::BidiStream,
    ),
    Method::new(
        "grpc.reflection.v1alpha.ServerReflection",
        "ServerReflectionInfo",
        Shape::BidiStream,
    ),
];
/// Whatever else is called, be it there or not.
static OTHER: Method = Method::new("other", "other", Shape::Unary);

impl Method {
    const fn new(service: &'static str, name: &'static str, shape: Shape) -> Self {
        Self {
            service,
            name,
            shape,
        }
    }

    /// The method that `/SERVICE/METHOD` calls.
    pub(crate) fn of(path: &str) -> &'static Self {
        let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        let method = parts.and_then(|parts| {
            let is_it = |method: &&Self| (method.service, method.name) == parts;
            METHODS.iter().find(is_it)
        });
        method.unwrap_or(&OTHER)
    }

    /// All that have a name.
    pub(crate) fn all() -> &'static [Self] {
        &METHODS
    }

    /// One of the contract's own.
    pub(crate) fn is_robots(&self) -> bool {
        self.service == ROBOT
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn the_table_has_what_the_server_serves() {
        let mut served = Vec::new();
        for set in [
            robot_api::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            for file in FileDescriptorSet::decode(set).unwrap().file {
                for service in &file.service {
                    for method in &service.method {
                        let path =
                            format!("/{}.{}/{}", file.package(), service.name(), method.name());
                        let shape = match (method.client_streaming(), method.server_streaming()) {
                            (false, false) => Shape::Unary,
                            (false, true) => Shape::ServerStream,
                            (true, true) => Shape::BidiStream,
                            (true, false) => panic!("{path} has a shape of its own"),
                        };
                        let found = Method::of(&path);
                        assert_eq!((found.name, found.shape), (method.name(), shape), "{path}");
                        served.push(path);
                    }
                }
            }
        }
        assert_eq!(served.len(), Method::all().len(), "{served:?}");
    }

    #[test]
    fn nobody_makes_names() {
        for path in [
            "",
            "/",
            "/robot.v1.RobotService",
            "/robot.v1.RobotService/Fly",
            "robot.v1.RobotService/Execute",
        ] {
            assert_eq!(Method::of(path), &OTHER, "{path}");
        }
    }
}
