//! What a program does to a robot, as a line: where it went, what it cleaned and with what. It is computed here, by the
//! pure library, and knows nothing of how it is drawn.

use robot::{Action, Command, Finite, Mode, Outcome, Rejection, State, advance};

/// A point in the plane, in the caller's unit of length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// How a robot goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) mode: Mode,
    pub(super) cleaning: bool,
}

/// A piece of the way that is gone in one style.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) style: Style,
    /// At least two.
    pub(super) points: Vec<Point>,
}

/// A whole way.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) start: State,
    pub(super) end: State,
    pub(super) pieces: Vec<Piece>,
    pub(super) moves: usize,
    cleaning: bool,
}

impl From<State> for Point {
    fn from(state: State) -> Self {
        Self {
            x: state.x.get(),
            y: state.y.get(),
        }
    }
}

impl Path {
    pub(super) fn new(start: State) -> Self {
        Self {
            start,
            end: start,
            pieces: Vec::new(),
            moves: 0,
            cleaning: false,
        }
    }

    /// Goes on from the end.
    pub(super) fn act(&mut self, action: Action) -> Result<(), Rejection> {
        let from = self.end;
        self.end = after(from, action)?;
        match action {
            Action::Start => self.cleaning = true,
            Action::Stop => self.cleaning = false,
            Action::Move { .. } => self.go(from.into(), self.end.into()),
            Action::Turn { .. } | Action::SetMode { .. } => {}
        }
        Ok(())
    }

    pub(super) fn points(&self) -> impl Iterator<Item = Point> {
        let pieces = self.pieces.iter().flat_map(|piece| &piece.points).copied();
        [self.start.into()].into_iter().chain(pieces)
    }

    fn go(&mut self, from: Point, to: Point) {
        self.moves += 1;
        let style = Style {
            mode: self.end.mode,
            cleaning: self.cleaning,
        };
        match self.pieces.last_mut() {
            Some(piece) if piece.style == style => piece.points.push(to),
            _ => self.pieces.push(Piece {
                style,
                points: vec![from, to],
            }),
        }
    }
}

fn after(state: State, action: Action) -> Result<State, Rejection> {
    let command = Command {
        state,
        actions: vec![action],
        with_events: false,
    };
    let mut outcome = Outcome::start(&command);
    advance(&mut outcome, &command, usize::MAX)?;
    Ok(outcome.state)
}

/// The rectangle that holds all points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) min: Point,
    pub(super) max: Point,
}

impl Bounds {
    /// Of at least one path. It has some width and height even where the robots have not moved.
    pub(super) fn of(paths: &[Path]) -> Self {
        let mut points = paths.iter().flat_map(Path::points);
        let first = points.next().unwrap_or(Point { x: 0.0, y: 0.0 });
        let tight = points.fold(
            Self {
                min: first,
                max: first,
            },
            |bounds, Point { x, y }| Self {
                min: Point {
                    x: bounds.min.x.min(x),
                    y: bounds.min.y.min(y),
                },
                max: Point {
                    x: bounds.max.x.max(x),
                    y: bounds.max.y.max(y),
                },
            },
        );
        tight.widened()
    }

    pub(super) fn width(self) -> f64 {
        self.max.x - self.min.x
    }

    pub(super) fn height(self) -> f64 {
        self.max.y - self.min.y
    }

    /// By what rounding and a lone point need: the shorter side is at least a fiftieth of the longer.
    fn widened(self) -> Self {
        let longer = self.width().max(self.height());
        let magnitude = [self.min.x, self.max.x, self.min.y, self.max.y];
        let magnitude = magnitude
            .into_iter()
            .fold(0.0, |max: f64, value| max.max(value.abs()));
        let shortest = (longer / 50.0).max(magnitude * 1e-9).max(f64::MIN_POSITIVE);
        let shortest = if longer == 0.0 {
            shortest.max(1.0)
        } else {
            shortest
        };
        let (min_x, max_x) = stretched(self.min.x, self.max.x, shortest);
        let (min_y, max_y) = stretched(self.min.y, self.max.y, shortest);
        Self {
            min: Point { x: min_x, y: min_y },
            max: Point { x: max_x, y: max_y },
        }
    }
}

fn stretched(min: f64, max: f64, shortest: f64) -> (f64, f64) {
    let missing = (shortest - (max - min)).max(0.0) / 2.0;
    (min - missing, max + missing)
}

/// The longest of 1, 2 and 5 times a power of ten that is no longer than a part of so much.
pub(super) fn round_length(most: f64) -> f64 {
    let power = 10_f64.powf(most.log10().floor());
    let steps = [5.0, 2.0, 1.0].into_iter().map(|step| step * power);
    steps
        .into_iter()
        .find(|&length| length <= most)
        .unwrap_or(power)
}

/// The direction of a heading, as a vector of length 1.
pub(super) fn direction(heading_degrees: Finite) -> Point {
    let state = State {
        heading_degrees,
        ..State::default()
    };
    let distance = Finite::new(1.0).expect("1 is finite");
    after(state, Action::Move { distance }).map_or(Point { x: 1.0, y: 0.0 }, Point::from)
}

#[cfg(test)]
mod tests {
    use robot::script;

    use super::*;

    fn path(text: &str) -> Path {
        let mut path = Path::new(State::default());
        for action in script::parse(text, 100).unwrap() {
            path.act(action).unwrap();
        }
        path
    }

    #[test]
    fn a_piece_ends_where_the_style_changes() {
        let path = path("move 1; turn 90; move 2; start; move 1; set soap; move 1; stop; turn 5");
        let pieces: Vec<_> = path
            .pieces
            .iter()
            .map(|piece| (piece.style.mode, piece.style.cleaning, piece.points.len()))
            .collect();
        let expected = [
            (Mode::Water, false, 3),
            (Mode::Water, true, 2),
            (Mode::Soap, true, 2),
        ];
        assert_eq!(pieces, expected);
        assert_eq!((path.moves, path.end.heading_degrees.get()), (4, 95.0));
    }

    #[test]
    fn bounds_hold_every_point_and_are_never_empty() {
        let still = Bounds::of(&[path("turn 3")]);
        assert_eq!((still.width(), still.height()), (1.0, 1.0));
        let line = Bounds::of(&[path("move 100")]);
        assert_eq!((line.width(), line.height()), (100.0, 2.0));
        let two = Bounds::of(&[path("move -4"), path("turn 90; move 3")]);
        assert_eq!((two.min.x, two.max.y), (-4.0, 3.0));
    }

    #[test]
    fn scales_are_round() {
        for (most, expected) in [(1.0, 1.0), (4.9, 2.0), (99.0, 50.0), (0.03, 0.02)] {
            let length = round_length(most);
            assert!((length - expected).abs() < 1e-12, "{most}: {length}");
        }
    }
}
