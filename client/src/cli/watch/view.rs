//! What the full screen shows, for any size of it. It knows no terminal.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Sparkline, Widget, Wrap};
use robot_api::v1;

use super::bar::bar;
use super::feed::{Outage, Update};
use super::meter::{Meter, Rate};
use super::times::{JobTimes, Percentiles};
use crate::cli::words::{counted, grouped};

/// Screens of fewer columns get the short words, and no totals.
const WIDE_COLUMNS_MIN: u16 = 76;

/// What is known, and how it is looked at.
#[derive(Debug)]
pub(super) struct View {
    address: String,
    colours: bool,
    meter: Meter,
    outage: Option<Outage>,
    /// The worker at the top of the table.
    top: usize,
}

impl View {
    pub(super) fn new(address: String, colours: bool) -> Self {
        Self {
            address,
            colours,
            meter: Meter::default(),
            outage: None,
            top: 0,
        }
    }

    pub(super) fn take(&mut self, update: Update) {
        match update {
            Update::Snapshot(snapshot) => {
                self.meter.take(snapshot);
                self.outage = None;
            }
            Update::Outage(outage) => {
                self.meter.interrupt();
                self.outage = Some(outage);
            }
        }
    }

    /// So many workers down, or up if it is negative.
    pub(super) fn scroll(&mut self, by: isize) {
        let workers = self.meter.last().map_or(0, |last| last.workers.len());
        let last = workers.saturating_sub(1);
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    fn colour(&self, color: Color) -> Style {
        match self.colours {
            true => Style::new().fg(color),
            false => Style::new(),
        }
    }

    fn title(&self, area: Rect, buffer: &mut Buffer) {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        Line::styled(format!("workers of {}", self.address), bold).render(area, buffer);
        if let Some(last) = self.meter.last() {
            let up = Duration::from_secs(last.uptime_nanos / 1_000_000_000);
            let up = format!(" up {}", humantime::format_duration(up));
            Line::raw(up)
                .alignment(Alignment::Right)
                .render(area, buffer);
        }
    }

    fn queue(&self, last: &v1::WatchWorkersResponse, area: Rect, buffer: &mut Buffer) {
        let v1::QueueSnapshot {
            jobs,
            jobs_max,
            idle_workers,
        } = last.queue.unwrap_or_default();
        let (workers, calls) = (last.workers.len(), last.open_calls);
        let text = match area.width >= WIDE_COLUMNS_MIN {
            false => {
                format!("queue {jobs}/{jobs_max}  idle {idle_workers}/{workers}  calls {calls}")
            }
            true => format!(
                "queue {:<8} {jobs} of {}   {idle_workers} of {} idle   {}",
                bar(f64::from(jobs) / f64::from(jobs_max), 8),
                counted(jobs_max.into(), "job"),
                counted(workers as u64, "worker"),
                counted(calls.into(), "open call"),
            ),
        };
        Line::raw(text).render(area, buffer);
    }

    fn rate(&self, area: Rect, buffer: &mut Buffer) {
        let history = self.meter.history(area.width.into());
        let text = match self.meter.total() {
            None => "measuring the rate".to_owned(),
            Some(Rate { commands, busy }) => format!(
                "{} commands/s, peak {}, {} busy",
                grouped(commands.round() as u64),
                grouped(history.iter().copied().max().unwrap_or(0)),
                percent(busy),
            ),
        };
        let [label, times, line] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(u16::from(area.height > 2)),
            Constraint::Fill(1),
        ])
        .areas(area);
        Line::raw(text).render(label, buffer);
        Line::raw(times_text(self.meter.times(), area.width)).render(times, buffer);
        Sparkline::default()
            .data(history)
            .style(self.colour(Color::Cyan))
            .render(line, buffer);
    }

    fn table(&self, last: &v1::WatchWorkersResponse, area: Rect, buffer: &mut Buffer) {
        let wide = area.width >= WIDE_COLUMNS_MIN;
        let dim = Style::new().add_modifier(Modifier::DIM);
        let header = match wide {
            true => format!(
                "{:>6}{:>14}{:>18}{:>14}  busy",
                "worker", "jobs", "commands", "commands/s"
            ),
            false => format!("{:>6}{:>12}  busy", "worker", "commands/s"),
        };
        let mut rows = area.rows();
        if let Some(row) = rows.next() {
            Line::styled(header, dim).render(row, buffer);
        }
        let shown = last.workers.iter().enumerate().skip(self.top);
        for (row, (index, worker)) in rows.zip(shown) {
            let rate = self.meter.workers().get(index);
            self.worker(worker, rate, wide, row, buffer);
        }
    }

    fn worker(
        &self,
        worker: &v1::WorkerSnapshot,
        rate: Option<&Rate>,
        wide: bool,
        row: Rect,
        buffer: &mut Buffer,
    ) {
        let rate_text = rate.map_or("-".to_owned(), |rate| grouped(rate.commands.round() as u64));
        let text = match wide {
            true => format!(
                "{:>6}{:>14}{:>18}{rate_text:>14}  ",
                worker.worker,
                grouped(worker.jobs),
                grouped(worker.commands),
            ),
            false => format!("{:>6}{rate_text:>12}  ", worker.worker),
        };
        let busy = rate.map_or(0.0, |rate| rate.busy);
        let percent = rate.map_or("-".to_owned(), |_rate| percent(busy));
        let [numbers, bar_area, share] = Layout::horizontal([
            Constraint::Length(text.len() as u16),
            Constraint::Fill(1),
            Constraint::Length(5),
        ])
        .areas(row);
        Line::raw(text).render(numbers, buffer);
        let color = if busy > 0.9 {
            Color::Yellow
        } else {
            Color::Green
        };
        Line::styled(bar(busy, bar_area.width.into()), self.colour(color)).render(bar_area, buffer);
        Line::raw(format!("{percent:>5}")).render(share, buffer);
    }

    fn footer(&self, area: Rect, buffer: &mut Buffer) {
        match &self.outage {
            None => Line::styled("q quits, arrows scroll", Modifier::DIM).render(area, buffer),
            Some(outage) => Paragraph::new(outage_text(outage))
                .wrap(Wrap { trim: true })
                .style(self.colour(Color::Red).add_modifier(Modifier::BOLD))
                .render(area, buffer),
        }
    }

    /// An outage is told in as many rows as it takes, up to half the screen.
    fn footer_rows(&self, area: Rect) -> u16 {
        let text = self
            .outage
            .as_ref()
            .map_or(0, |outage| outage_text(outage).chars().count());
        // Words break early.
        let rows = text * 5 / 4 / usize::from(area.width.max(1)) + 1;
        u16::try_from(rows)
            .unwrap_or(u16::MAX)
            .min(area.height / 2)
            .max(1)
    }
}

impl Widget for &mut View {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let rate_rows = match area.height {
            20.. => 6,
            14.. => 4,
            // No times.
            _ => 2,
        };
        let [title, queue, rate, table, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(rate_rows),
            Constraint::Fill(1),
            Constraint::Length(self.footer_rows(area)),
        ])
        .areas(area);
        // Scrolled further than the table is long, the last workers fill it, below its header.
        let workers = self.meter.last().map_or(0, |last| last.workers.len());
        let fitting = usize::from(table.height.saturating_sub(1));
        self.top = self.top.min(workers.saturating_sub(fitting));
        self.title(title, buffer);
        match self.meter.last() {
            None => Line::raw("waiting for the first snapshot").render(queue, buffer),
            Some(last) => {
                self.queue(last, queue, buffer);
                self.rate(rate, buffer);
                self.table(last, table, buffer);
            }
        }
        self.footer(footer, buffer);
    }
}

fn outage_text(outage: &Outage) -> String {
    let Outage {
        reason,
        wait,
        next_try,
    } = outage;
    let wait = humantime::format_duration(*wait);
    format!("lost the server; try {next_try} in {wait} (q quits): {reason}")
}

/// How long jobs waited and ran: below so much. Empty while there are none.
fn times_text(times: JobTimes, width: u16) -> String {
    let JobTimes { queue, run } = times;
    let (Some(queue), Some(run)) = (queue, run) else {
        return String::new();
    };
    let part = |Percentiles { p50, p99 }| format!("p50 {p50} p99 {p99}");
    match width >= WIDE_COLUMNS_MIN {
        true => format!("jobs waited {}, ran {}", part(queue), part(run)),
        false => format!("wait {} run {} (p99)", queue.p99, run.p99),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

#[cfg(test)]
mod tests;
