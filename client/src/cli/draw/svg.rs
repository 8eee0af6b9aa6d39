//! Paths as SVG: a file that needs nothing else, readable on light and on dark ground.

use std::fmt::Write;

use robot::Mode;

use crate::cli::path::{Bounds, Path, Piece, Point, direction, round_length};
use crate::cli::state::state_text;

/// The longer side of the drawn area, in user units.
const LONGER: f64 = 720.0;
/// Around the drawn area.
const MARGIN: f64 = 40.0;
/// For the scale and the legend, below it.
const FOOT: f64 = 40.0;
/// The narrowest picture, so that the legend has room.
const WIDTH_MIN: f64 = 480.0;
/// Of text, the scale and the marks: a grey that stands out from white and from black.
const INK: &str = "#7a828c";

/// Each stands out from white and from black, and from the others for people who see few colours.
pub(super) const fn colour(mode: Mode) -> &'static str {
    match mode {
        Mode::Water => "#1f83e0",
        Mode::Soap => "#c2569c",
        Mode::Brush => "#c27a12",
    }
}

/// From the plane, whose y goes up, to the picture, whose y goes down.
struct View {
    bounds: Bounds,
    scale: f64,
    left: f64,
    width: f64,
    height: f64,
}

pub(super) fn render(paths: &[Path]) -> String {
    let view = View::of(Bounds::of(paths));
    let View { width, height, .. } = view;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\n<title>{}</title>\n",
        title(paths)
    );
    for path in paths {
        for piece in &path.pieces {
            svg += &view.piece(piece);
        }
    }
    for path in paths {
        svg += &view.marks(path);
    }
    svg += &view.scale_bar();
    svg += &view.legend(paths);
    svg += "</svg>\n";
    svg
}

fn title(paths: &[Path]) -> String {
    match paths {
        [path] => format!(
            "The path of a robot: {} moves, from {} to {}",
            path.moves,
            state_text(path.start),
            state_text(path.end)
        ),
        _ => format!("The paths of {} robots", paths.len()),
    }
}

impl View {
    fn of(bounds: Bounds) -> Self {
        let scale = LONGER / bounds.width().max(bounds.height());
        let drawn = bounds.width() * scale;
        let width = (drawn + 2.0 * MARGIN).max(WIDTH_MIN);
        Self {
            bounds,
            scale,
            left: (width - drawn) / 2.0,
            width,
            height: bounds.height() * scale + 2.0 * MARGIN + FOOT,
        }
    }

    fn place(&self, point: Point) -> Point {
        Point {
            x: self.left + (point.x - self.bounds.min.x) * self.scale,
            y: MARGIN + (self.bounds.max.y - point.y) * self.scale,
        }
    }

    fn piece(&self, piece: &Piece) -> String {
        let mut d = String::new();
        for (index, &point) in piece.points.iter().enumerate() {
            let Point { x, y } = self.place(point);
            let letter = if index == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(d, "{letter}{x:.2} {y:.2}");
        }
        let width = if piece.style.cleaning { 5.0 } else { 1.5 };
        let class = if piece.style.cleaning {
            "cleaning"
        } else {
            "moving"
        };
        format!(
            "<path class=\"{} {class}\" d=\"{d}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" \
             stroke-linecap=\"round\" stroke-linejoin=\"round\"/>\n",
            piece.style.mode,
            colour(piece.style.mode)
        )
    }

    /// The start as a ring, the end as a disc with an arrow along its heading.
    fn marks(&self, path: &Path) -> String {
        let start = self.place(path.start.into());
        let end = self.place(path.end.into());
        let Point { x, y } = direction(path.end.heading_degrees);
        let along = |length: f64, aside: f64| {
            (
                end.x + x * length - y * aside,
                end.y - y * length - x * aside,
            )
        };
        let ((tip_x, tip_y), (left_x, left_y), (right_x, right_y)) =
            (along(24.0, 0.0), along(11.0, 6.0), along(11.0, -6.0));
        format!(
            "<circle class=\"start\" cx=\"{:.2}\" cy=\"{:.2}\" r=\"7\" fill=\"none\" stroke=\"{INK}\" \
             stroke-width=\"2\"/>\n\
             <circle class=\"end\" cx=\"{:.2}\" cy=\"{:.2}\" r=\"5\" fill=\"{INK}\"/>\n\
             <path class=\"heading\" d=\"M{tip_x:.2} {tip_y:.2}L{left_x:.2} {left_y:.2}L{right_x:.2} {right_y:.2}Z\" \
             fill=\"{INK}\"/>\n",
            start.x, start.y, end.x, end.y
        )
    }

    fn scale_bar(&self) -> String {
        let length = round_length(LONGER / 4.0 / self.scale);
        let (y, end) = (self.height - 18.0, MARGIN + length * self.scale);
        format!(
            "<path class=\"scale\" d=\"M{MARGIN} {:.2}V{y:.2}H{end:.2}V{:.2}\" fill=\"none\" stroke=\"{INK}\" \
             stroke-width=\"1.5\"/>\n\
             <text x=\"{:.2}\" y=\"{:.2}\" fill=\"{INK}\">{}</text>\n",
            y - 5.0,
            y - 5.0,
            MARGIN + 6.0,
            y - 5.0,
            length_text(length)
        )
    }

    /// What colours, widths and marks mean, as far as they occur.
    fn legend(&self, paths: &[Path]) -> String {
        let y = self.height - 20.0;
        let mut x = self.width - MARGIN;
        let mut svg = String::new();
        let mut item = |mark: &dyn Fn(f64) -> String, text: &str| {
            x -= 8.0 * text.len() as f64 + 36.0;
            svg += &mark(x);
            let _ = writeln!(
                svg,
                "<text x=\"{:.2}\" y=\"{:.2}\" fill=\"{INK}\">{text}</text>",
                x + 26.0,
                y + 4.0
            );
        };
        item(
            &|x| {
                format!(
                    "<circle cx=\"{:.2}\" cy=\"{y:.2}\" r=\"4\" fill=\"{INK}\"/>\n",
                    x + 14.0
                )
            },
            "end",
        );
        item(
            &|x| {
                format!(
                    "<circle cx=\"{:.2}\" cy=\"{y:.2}\" r=\"5\" fill=\"none\" stroke=\"{INK}\" stroke-width=\"2\"/>\n",
                    x + 14.0
                )
            },
            "start",
        );
        for (mode, cleaning) in styles(paths) {
            let width = if cleaning { 5.0 } else { 1.5 };
            let verb = if cleaning { "cleaning, " } else { "" };
            item(
                &|x| {
                    format!(
                        "<path d=\"M{x:.2} {y:.2}h20\" stroke=\"{}\" stroke-width=\"{width}\" \
                         stroke-linecap=\"round\"/>\n",
                        colour(mode)
                    )
                },
                &format!("{verb}{mode}"),
            );
        }
        svg
    }
}

/// Those that occur.
pub(super) fn styles(paths: &[Path]) -> Vec<(Mode, bool)> {
    let pieces = || paths.iter().flat_map(|path| &path.pieces);
    let all = Mode::ALL
        .into_iter()
        .flat_map(|mode| [(mode, true), (mode, false)]);
    all.filter(|&(mode, cleaning)| {
        pieces().any(|piece| (piece.style.mode, piece.style.cleaning) == (mode, cleaning))
    })
    .collect()
}

pub(super) fn length_text(length: f64) -> String {
    robot::Finite::new(length).map_or_else(String::new, |length| length.to_string())
}

#[cfg(test)]
mod tests {
    use resvg::usvg::roxmltree::Document;
    use robot::{State, script};

    use super::*;

    fn drawn(texts: &[&str]) -> String {
        let path = |text: &&str| {
            let mut path = Path::new(State::default());
            for action in script::parse(text, 100).unwrap() {
                path.act(action).unwrap();
            }
            path
        };
        render(&texts.iter().map(path).collect::<Vec<_>>())
    }

    /// Elements by class, such as `soap cleaning`.
    fn count(svg: &str, class: &str) -> usize {
        let document = Document::parse(svg).unwrap();
        let nodes = document.descendants();
        nodes
            .filter(|node| node.attribute("class") == Some(class))
            .count()
    }

    #[test]
    fn has_a_line_for_each_style_and_marks_for_each_path() {
        let svg = drawn(&[
            "move 1; set soap; start; move 2; turn 90; move 1; stop; move 1",
            "move -3",
        ]);
        for (class, expected) in [
            ("water moving", 2),
            ("soap cleaning", 1),
            ("soap moving", 1),
            ("brush moving", 0),
            ("start", 2),
            ("end", 2),
            ("heading", 2),
            ("scale", 1),
        ] {
            assert_eq!(count(&svg, class), expected, "{class}: {svg}");
        }
    }

    #[test]
    fn a_robot_that_stays_is_a_picture_too() {
        let svg = drawn(&["turn 90"]);
        assert_eq!(count(&svg, "start"), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
