//! Asks a server's admin listener, with an HTTP client of a few lines, and reads what it says.

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Server;

/// Longer than anything takes, so that no test hangs.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A server whose admin listener is known.
pub(crate) struct Seen {
    pub(crate) server: Server,
    pub(crate) admin: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// What `/metrics` said: each series with its value.
#[derive(Debug)]
pub(crate) struct Metrics(HashMap<String, f64>);

impl Seen {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let server = Server::start(&[&["--admin", "0"], flags].concat()).await;
        let admin = server.field("admin").expect("its log says where");
        Self { server, admin }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        request(
            &self.admin,
            &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        )
        .await
    }

    pub(crate) async fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Metrics::from(&answer.body)
    }

    /// Asks again and again until they are as they should be: what is counted at the end of a call may come after it.
    pub(crate) async fn metrics_when(
        &self,
        as_they_should_be: impl Fn(&Metrics) -> bool,
    ) -> Metrics {
        let mut metrics = self.metrics().await;
        for _ in 0..6000 {
            if as_they_should_be(&metrics) {
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            metrics = self.metrics().await;
        }
        panic!("it never came: {metrics:?}");
    }
}

/// Sends bytes and reads all that comes.
pub(crate) async fn request(address: &str, text: &str) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(WAIT_MAX, exchange).await.unwrap();
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: headers.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.to_owned(),
        body: body.to_owned(),
    }
}

impl Metrics {
    fn from(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let series = samples.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        let all: Vec<_> = series.collect();
        let count = all.len();
        let series: HashMap<_, _> = all.into_iter().collect();
        assert_eq!(series.len(), count, "no series is there twice");
        Self(series)
    }

    pub(crate) fn has(&self, series: &str) -> bool {
        self.0.contains_key(series)
    }

    pub(crate) fn value(&self, series: &str) -> f64 {
        let value = self.0.get(series);
        *value.unwrap_or_else(|| panic!("there is no {series}: {self:?}"))
    }

    /// Of all series of a name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let of_name = |series: &str| series.split('{').next() == Some(name);
        let values = self.0.iter().filter(|(series, _value)| of_name(series));
        values.map(|(_series, value)| value).sum()
    }

    /// Of a method of the contract.
    pub(crate) fn of_method(&self, name: &str, shape: &str, method: &str, more: &str) -> f64 {
        let service = "robot.v1.RobotService";
        let labels = format!(
            "grpc_type=\"{shape}\",grpc_service=\"{service}\",grpc_method=\"{method}\"{more}"
        );
        self.value(&format!("{name}{{{labels}}}"))
    }
}
