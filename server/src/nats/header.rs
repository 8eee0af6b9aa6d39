//! The headers of jobs and results at the broker. What they go with is the request's own bytes, or the response's. It
//! knows nothing of what those say.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::HeaderMap;

const JOB: &str = "Robot-Job";
const RESULT: &str = "Robot-Result";
/// By the gateway's clock, nanoseconds since 1970; not there if there is none.
const DEADLINE: &str = "Robot-Deadline";
/// Grows when the headers' own form changes.
const FORM: u64 = 1;
/// A job is not older than this, whatever the clocks say.
const AGE_MAX: Duration = Duration::from_secs(600);

/// What a worker has to know of a job besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct JobHeader {
    /// The gateway's own number for it.
    pub(crate) number: u64,
    pub(crate) commands: u32,
    pub(crate) results_bytes_max: u64,
    /// By the gateway's clock, nanoseconds since 1970.
    pub(crate) submitted_nanos: u64,
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ResultHeader {
    /// As in the job.
    pub(crate) number: u64,
    /// Commands that the payload answers.
    pub(crate) answered: u32,
    pub(crate) came: Came,
}

/// How far a worker came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Came {
    /// To the end.
    Through,
    /// To a command that is no valid protobuf.
    Malformed,
    /// Nowhere: it was not run, since whoever tried before did not come back.
    Suspect,
    /// Nowhere: it was not run, since its deadline has passed, by the worker's clock.
    Late,
}

impl JobHeader {
    pub(crate) fn to_map(self) -> HeaderMap {
        let Self {
            number,
            commands,
            results_bytes_max,
            submitted_nanos,
        } = self;
        let text = format!("{FORM} {number} {commands} {results_bytes_max} {submitted_nanos}");
        map(JOB, text)
    }

    pub(crate) fn from_map(map: Option<&HeaderMap>) -> Option<Self> {
        let [number, commands, results_bytes_max, submitted_nanos] = numbers(map, JOB)?;
        Some(Self {
            number,
            commands: commands.try_into().ok()?,
            results_bytes_max,
            submitted_nanos,
        })
    }

    /// How long ago it was submitted, as far as the two clocks agree.
    pub(crate) fn age(&self) -> Duration {
        let nanos = unix_nanos().saturating_sub(self.submitted_nanos);
        Duration::from_nanos(nanos).min(AGE_MAX)
    }
}

impl ResultHeader {
    pub(crate) fn to_map(self) -> HeaderMap {
        let Self {
            number,
            answered,
            came,
        } = self;
        let came = match came {
            Came::Through => 0,
            Came::Malformed => 1,
            Came::Suspect => 2,
            Came::Late => 3,
        };
        map(RESULT, format!("{FORM} {number} {answered} {came}"))
    }

    pub(crate) fn from_map(map: Option<&HeaderMap>) -> Option<Self> {
        let [number, answered, came] = numbers(map, RESULT)?;
        Some(Self {
            number,
            answered: answered.try_into().ok()?,
            came: match came {
                0 => Came::Through,
                1 => Came::Malformed,
                2 => Came::Suspect,
                3 => Came::Late,
                _ => return None,
            },
        })
    }
}

/// Puts a job's deadline into its headers.
pub(crate) fn put_deadline(headers: &mut HeaderMap, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let nanos = unix_nanos().saturating_add(left.as_nanos() as u64);
    headers.insert(DEADLINE, nanos.to_string());
}

/// Whether a job's deadline has passed, as far as the two clocks agree.
pub(crate) fn is_late(headers: Option<&HeaderMap>) -> bool {
    let deadline = headers.and_then(|headers| headers.get(DEADLINE));
    let nanos = deadline.and_then(|nanos| nanos.as_str().parse::<u64>().ok());
    nanos.is_some_and(|nanos| nanos < unix_nanos())
}

fn map(name: &'static str, text: String) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert(name, text);
    map
}

/// So many numbers, after the form's.
fn numbers<const COUNT: usize>(
    map: Option<&HeaderMap>,
    name: &'static str,
) -> Option<[u64; COUNT]> {
    let mut words = map?.get(name)?.as_str().split(' ').map(str::parse);
    if words.next()? != Ok(FORM) {
        return None;
    }
    let mut numbers = [0; COUNT];
    for number in &mut numbers {
        *number = words.next()?.ok()?;
    }
    words.next().is_none().then_some(numbers)
}

/// The time of day.
pub(crate) fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were() {
        let job = JobHeader {
            number: u64::MAX,
            commands: 7,
            results_bytes_max: 1 << 20,
            submitted_nanos: unix_nanos(),
        };
        assert_eq!(JobHeader::from_map(Some(&job.to_map())), Some(job));
        for came in [Came::Through, Came::Malformed, Came::Suspect, Came::Late] {
            let result = ResultHeader {
                number: 3,
                answered: 2,
                came,
            };
            assert_eq!(ResultHeader::from_map(Some(&result.to_map())), Some(result));
        }
    }

    #[test]
    fn anything_else_is_no_header() {
        for text in ["", "1", "1 2 3 4", "2 1 1 1 1", "1 a 1 1 1", "1 1 1 1 1 1"] {
            let map = map(JOB, text.to_owned());
            assert_eq!(JobHeader::from_map(Some(&map)), None, "{text:?}");
        }
        assert_eq!(JobHeader::from_map(None), None);
        let unknown = map(RESULT, "1 1 1 4".to_owned());
        assert_eq!(ResultHeader::from_map(Some(&unknown)), None);
    }

    #[test]
    fn a_job_is_late_once_its_deadline_has_passed() {
        let now = Instant::now();
        let mut headers = HeaderMap::new();
        assert!(!is_late(Some(&headers)), "it has none");
        put_deadline(&mut headers, now + Duration::from_secs(60));
        assert!(!is_late(Some(&headers)));
        put_deadline(&mut headers, now);
        while unix_nanos() <= headers.get(DEADLINE).unwrap().as_str().parse().unwrap() {}
        assert!(is_late(Some(&headers)));
    }

    #[test]
    fn a_clock_that_runs_ahead_makes_no_job_older() {
        let job = JobHeader {
            number: 0,
            commands: 1,
            results_bytes_max: 0,
            submitted_nanos: u64::MAX,
        };
        assert_eq!(job.age(), Duration::ZERO);
        let ancient = JobHeader {
            submitted_nanos: 0,
            ..job
        };
        assert_eq!(ancient.age(), AGE_MAX);
    }
}
