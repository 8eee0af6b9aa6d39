//! Paths in a terminal, in braille dots.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Context, Line};
use robot::Mode;

use super::svg::{length_text, styles};
use crate::cli::path::{Bounds, Path, Piece, Point, direction, round_length};

/// Where there is no terminal to ask.
const COLUMNS: u16 = 80;
/// Characters are some twice as high as wide, and hold 2 by 4 dots.
const DOTS_ACROSS: f64 = 2.0;
const DOTS_DOWN: f64 = 4.0;
const ROWS_MAX: u16 = 60;
const ROWS_MIN: u16 = 3;

/// The colours of any terminal, light or dark.
const fn colour(mode: Mode) -> Color {
    match mode {
        Mode::Water => Color::Blue,
        Mode::Soap => Color::Magenta,
        Mode::Brush => Color::Yellow,
    }
}

pub(super) fn render(paths: &[Path], columns: Option<u16>, colours: bool) -> String {
    let bounds = Bounds::of(paths);
    let columns = columns.unwrap_or_else(terminal_columns);
    let (columns, rows) = size(bounds, columns);
    let area = Rect::new(0, 0, columns, rows);
    // A dot's width in the plane; a dot is left on each side, for lines that are thick.
    let dot = (bounds.width() / (f64::from(columns) * DOTS_ACROSS - 3.0))
        .max(bounds.height() / (f64::from(rows) * DOTS_DOWN - 3.0));
    let across = dot * f64::from(columns) * DOTS_ACROSS;
    let down = dot * f64::from(rows) * DOTS_DOWN;
    let left = (bounds.min.x + bounds.max.x - across) / 2.0;
    let bottom = (bounds.min.y + bounds.max.y - down) / 2.0;
    let mut buffer = Buffer::empty(area);
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([left, left + across])
        .y_bounds([bottom, bottom + down])
        .paint(|context| paint(context, paths, dot))
        .render(area, &mut buffer);
    let mut mark = |Point { x, y }: Point, symbol: &str| {
        let column = ((x - left) / across * f64::from(columns)) as u16;
        let row = ((bottom + down - y) / down * f64::from(rows)) as u16;
        let cell = &mut buffer[(column.min(columns - 1), row.min(rows - 1))];
        cell.set_symbol(symbol).set_fg(Color::Reset);
    };
    for path in paths {
        mark(path.start.into(), "○");
        mark(path.end.into(), arrow(direction(path.end.heading_degrees)));
    }
    text_of(&buffer, colours) + &legend(paths, across / f64::from(columns), colours)
}

fn terminal_columns() -> u16 {
    ratatui::crossterm::terminal::size().map_or(COLUMNS, |(columns, _rows)| columns.max(20))
}

/// As wide as asked for, and as high as that makes it; narrower if it would be too high.
fn size(bounds: Bounds, columns: u16) -> (u16, u16) {
    let rows_per_column = bounds.height() / bounds.width() * DOTS_ACROSS / DOTS_DOWN;
    let rows = (f64::from(columns) * rows_per_column).ceil();
    if rows <= f64::from(ROWS_MAX) {
        return (columns, (rows as u16).max(ROWS_MIN));
    }
    let columns_for_rows = (f64::from(ROWS_MAX) / rows_per_column).ceil();
    ((columns_for_rows as u16).clamp(20, columns), ROWS_MAX)
}

fn paint(context: &mut Context<'_>, paths: &[Path], dot: f64) {
    for piece in paths.iter().flat_map(|path| &path.pieces) {
        paint_piece(context, piece, dot);
    }
}

fn paint_piece(context: &mut Context<'_>, piece: &Piece, dot: f64) {
    let color = colour(piece.style.mode);
    // Two lines side by side where it cleans.
    let offsets: &[(f64, f64)] = match piece.style.cleaning {
        true => &[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)],
        false => &[(0.0, 0.0)],
    };
    for pair in piece.points.windows(2) {
        for (x, y) in offsets {
            context.draw(&Line {
                x1: pair[0].x + x * dot,
                y1: pair[0].y + y * dot,
                x2: pair[1].x + x * dot,
                y2: pair[1].y + y * dot,
                color,
            });
        }
    }
}

/// The nearest of the eight.
fn arrow(direction: Point) -> &'static str {
    let eighths = (direction.y.atan2(direction.x) / std::f64::consts::FRAC_PI_4).round();
    match eighths as i32 {
        0 => "→",
        1 => "↗",
        2 => "↑",
        3 => "↖",
        -1 => "↘",
        -2 => "↓",
        -3 => "↙",
        _ => "←",
    }
}

fn text_of(buffer: &Buffer, colours: bool) -> String {
    let mut text = String::new();
    for row in buffer.area.rows() {
        let cells: Vec<&Cell> = row.columns().map(|at| &buffer[at.as_position()]).collect();
        let blank = |cell: &&Cell| matches!(cell.symbol(), " " | "\u{2800}");
        let used = cells
            .iter()
            .rposition(|cell| !blank(cell))
            .map_or(0, |last| last + 1);
        for cell in &cells[..used] {
            let symbol = if blank(cell) { " " } else { cell.symbol() };
            text += &coloured(symbol, cell.fg, colours);
        }
        text.push('\n');
    }
    text
}

fn coloured(text: &str, color: Color, colours: bool) -> String {
    let code = match color {
        Color::Blue => 34,
        Color::Magenta => 35,
        Color::Yellow => 33,
        _ => return text.to_owned(),
    };
    match colours {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

fn legend(paths: &[Path], column: f64, colours: bool) -> String {
    let length = round_length(column * 20.0);
    let columns = (length / column).round().max(1.0) as usize;
    let mut items = vec![format!(
        "├{}┤ {}",
        "─".repeat(columns.saturating_sub(2)),
        length_text(length)
    )];
    for (mode, cleaning) in styles(paths) {
        let line = if cleaning {
            "⣶⣶ cleaning, "
        } else {
            "⠤⠤ "
        };
        items.push(coloured(&format!("{line}{mode}"), colour(mode), colours));
    }
    items.push("○ start".to_owned());
    items.push("→ end, and where it looks".to_owned());
    items.join("   ") + "\n"
}

#[cfg(test)]
mod tests {
    use robot::{State, script};

    use super::*;

    fn drawn(text: &str) -> String {
        let mut path = Path::new(State::default());
        for action in script::parse(text, 100).unwrap() {
            path.act(action).unwrap();
        }
        render(&[path], Some(20), false)
    }

    #[test]
    fn marks_stand_where_the_lines_end() {
        let text = drawn("move 9; turn 90; move 4; turn 90");
        let lines: Vec<_> = text.lines().collect();
        let picture = &lines[..lines.len() - 1];
        assert!(picture[picture.len() - 1].starts_with('○'), "{text}");
        assert!(picture[0].ends_with('←'), "{text}");
        let widest = picture.iter().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(20), "{text}");
    }

    #[test]
    fn without_colours_there_are_no_escapes() {
        assert!(!drawn("start; move 9").contains('\x1b'));
        let coloured = coloured("x", Color::Blue, true);
        assert_eq!(coloured, "\x1b[34mx\x1b[0m");
    }
}
