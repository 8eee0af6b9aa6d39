//! Futures as a table for people, and as JSON for programs.

use robot::{Finite, State};
use robot_api::v1::robot_result::Outcome;
use robot_api::{json, v1};

use super::futures::Future;
use super::template::Template;
use crate::cli::show::error_text;

/// What futures can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Column {
    /// From 0.
    Parameter(usize),
    X,
    Y,
    Heading,
    Distance,
}

impl Column {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "x" => Ok(Self::X),
            "y" => Ok(Self::Y),
            "heading" => Ok(Self::Heading),
            "distance" => Ok(Self::Distance),
            number => match number.parse() {
                Ok(number @ 1_usize..) => Ok(Self::Parameter(number - 1)),
                _ => Err(
                    "it must be a parameter's number from 1, x, y, heading or distance".to_owned(),
                ),
            },
        }
    }
}

/// Those without a value come last.
pub(super) fn sort(futures: &mut [Future], start: State, column: Column, reverse: bool) {
    futures.sort_by(|a, b| {
        let (a, b) = (key(a, start, column), key(b, start, column));
        match (a, b) {
            (Some(a), Some(b)) if reverse => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    });
}

fn key(future: &Future, start: State, column: Column) -> Option<f64> {
    if let Column::Parameter(index) = column {
        return future.values.get(index)?.parse().ok();
    }
    let state = future.state()?;
    Some(match column {
        Column::X => state.x,
        Column::Y => state.y,
        Column::Heading => state.heading_degrees,
        Column::Distance | Column::Parameter(_) => distance(state, start),
    })
}

/// From the start, as the crow flies.
fn distance(state: &v1::RobotState, start: State) -> f64 {
    (state.x - start.x.get()).hypot(state.y - start.y.get())
}

pub(super) fn render(start: State, template: &Template, futures: &[Future]) -> String {
    let parameters = template.parameters.iter();
    let mut head: Vec<String> = parameters.map(|parameter| parameter.text.clone()).collect();
    head.extend(["x", "y", "heading", "mode", "distance"].map(str::to_owned));
    let rows: Vec<Vec<String>> = futures.iter().map(|future| row(start, future)).collect();
    let width = |column: usize| {
        let cells = [&head].into_iter().chain(&rows);
        let widths = cells
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:>width$}"))
            .collect();
        cells.join("  ") + "\n"
    };
    [&head].into_iter().chain(&rows).map(line).collect()
}

fn row(start: State, future: &Future) -> Vec<String> {
    let mut row = future.values.clone();
    match &future.result.outcome {
        Some(Outcome::State(state)) => {
            let mode = state.mode().as_str_name();
            row.extend([
                rounded(state.x),
                rounded(state.y),
                rounded(state.heading_degrees),
            ]);
            row.push(mode.trim_start_matches("CLEANING_MODE_").to_lowercase());
            row.push(rounded(distance(state, start)));
        }
        Some(Outcome::Error(error)) => row.push(error_text(error)),
        None => row.push("no outcome".to_owned()),
    }
    row
}

/// To six digits behind the point: --json has them all.
fn rounded(number: f64) -> String {
    let rounded = (number * 1e6).round() / 1e6;
    let shown = if rounded.is_finite() { rounded } else { number };
    Finite::new(shown).map_or_else(|| number.to_string(), |shown| shown.to_string())
}

pub(super) fn json_line(future: &Future) -> String {
    let Future {
        values,
        script,
        result,
    } = future;
    let (values, script) = (serde_json::json!(values), serde_json::json!(script));
    let result = json::to_string(result);
    format!("{{\"parameters\":{values},\"script\":{script},\"result\":{result}}}\n")
}
