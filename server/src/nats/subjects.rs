//! What things are called at the broker. All of a system's subjects begin with its name, so that the broker can keep one
//! system's workers from another's jobs. It knows nothing of connections.

/// The names of one system.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subjects {
    prefix: String,
    /// The stream that holds the jobs.
    pub(crate) stream: String,
    /// How commands are run: jobs of another version are other workers'.
    semantics_version: u32,
}

impl Subjects {
    pub(crate) fn new(system: &str, semantics_version: u32) -> Self {
        Self {
            prefix: format!("robot.v1.{system}"),
            stream: format!("ROBOT_{system}"),
            semantics_version,
        }
    }

    /// Of all jobs of the system.
    pub(crate) fn all_jobs(&self) -> String {
        format!("{}.jobs.>", self.prefix)
    }

    /// Of the jobs of one gateway, from its start to its end.
    pub(crate) fn jobs_of(&self, boot: &str) -> String {
        format!("{}.jobs.{}.{boot}", self.prefix, self.semantics_version)
    }

    /// Of the jobs that these workers take.
    pub(crate) fn jobs_to_take(&self) -> String {
        self.jobs_of("*")
    }

    /// What these workers share.
    pub(crate) fn consumer(&self) -> String {
        format!("workers-{}", self.semantics_version)
    }

    /// Where the results of one gateway's jobs go, given the subject of a job; `None` if it is not one.
    pub(crate) fn results_for(&self, jobs: &str) -> Option<String> {
        let boot = jobs.strip_prefix(&self.jobs_of(""))?;
        (!boot.is_empty()).then(|| self.results_of(boot))
    }

    /// Where the results of one gateway's jobs go.
    pub(crate) fn results_of(&self, boot: &str) -> String {
        format!("{}.results.{boot}", self.prefix)
    }

    /// Where the broker confirms what a gateway has published; a number follows.
    pub(crate) fn acks_of(&self, boot: &str) -> String {
        format!("{}.inbox.acks.{boot}", self.prefix)
    }

    /// Where a worker process gets its jobs; a number follows.
    pub(crate) fn pulls_of(&self, boot: &str) -> String {
        format!("{}.inbox.pulls.{boot}", self.prefix)
    }

    /// Before whatever else the broker answers.
    pub(crate) fn inbox_prefix(&self) -> String {
        format!("{}.inbox", self.prefix)
    }

    /// Where a worker asks for jobs.
    pub(crate) fn next(&self) -> String {
        format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
            self.stream,
            self.consumer()
        )
    }
}

/// Tells one start of a process from all others.
pub(crate) fn boot() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The number at the end of a subject.
pub(crate) fn number_in(subject: &str) -> Option<u64> {
    subject.rsplit_once('.')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_go_to_the_gateway_that_the_job_came_from() {
        let subjects = Subjects::new("main", 1);
        let jobs = subjects.jobs_of("b007");
        assert_eq!(jobs, "robot.v1.main.jobs.1.b007");
        assert_eq!(subjects.jobs_to_take(), "robot.v1.main.jobs.1.*");
        let results = subjects.results_for(&jobs);
        assert_eq!(results, Some(subjects.results_of("b007")));
        for other in [
            "robot.v1.main.jobs.2.b007",
            "robot.v1.other.jobs.1.b007",
            "robot.v1.main.jobs.1.",
        ] {
            assert_eq!(subjects.results_for(other), None, "{other}");
        }
        assert_eq!(number_in("robot.v1.main.inbox.acks.b007.42"), Some(42));
        assert_eq!(number_in("robot.v1.main.inbox.acks.b007"), None);
    }
}
