//! The states that a conversation has been in.

use std::collections::VecDeque;

use robot::State;

/// States that can be gone back to; the oldest are forgotten.
const STATES_MAX: usize = 1000;

#[derive(Debug)]
pub(super) struct States {
    now: State,
    before: VecDeque<State>,
}

impl States {
    pub(super) fn new(now: State) -> Self {
        let before = VecDeque::new();
        Self { now, before }
    }

    pub(super) fn now(&self) -> State {
        self.now
    }

    pub(super) fn go(&mut self, to: State) -> State {
        if self.before.len() == STATES_MAX {
            self.before.pop_front();
        }
        self.before.push_back(self.now);
        self.now = to;
        to
    }

    /// To the state before; none if there is none.
    pub(super) fn back(&mut self) -> Option<State> {
        self.now = self.before.pop_back()?;
        Some(self.now)
    }
}

#[cfg(test)]
mod tests {
    use robot::Finite;

    use super::*;

    fn at(x: usize) -> State {
        State {
            x: Finite::new(x as f64).unwrap(),
            ..State::default()
        }
    }

    #[test]
    fn goes_back_as_far_as_it_remembers() {
        let mut states = States::new(at(0));
        assert_eq!(states.back(), None);
        for x in 1..=STATES_MAX + 1 {
            states.go(at(x));
        }
        for x in (1..=STATES_MAX).rev() {
            assert_eq!(states.back(), Some(at(x)));
        }
        assert_eq!((states.back(), states.now()), (None, at(1)));
    }
}
