//! The view at several sizes, as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::meter::tests::snapshot;
use super::*;

fn view(workers: &[(u64, f64)]) -> View {
    let mut view = View::new("127.0.0.1:50051".to_owned(), true);
    let before = vec![(0, 0.0); workers.len()];
    view.take(Update::Snapshot(snapshot(61, &before)));
    view.take(Update::Snapshot(snapshot(62, workers)));
    view
}

fn rows(view: &mut View, columns: u16, rows: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal
        .draw(|frame| frame.render_widget(view, frame.area()))
        .unwrap();
    let buffer = terminal.backend().buffer();
    let row_text = |row: Rect| -> String {
        row.columns()
            .map(|cell| buffer[cell.as_position()].symbol())
            .collect()
    };
    let rows = buffer.area.rows();
    rows.map(|row| row_text(row).trim_end().to_owned())
        .collect()
}

#[test]
fn a_usual_screen_shows_all() {
    let rows = rows(&mut view(&[(12_000, 0.5), (345, 0.0)]), 80, 24);
    assert_eq!(
        rows[0],
        format!("workers of 127.0.0.1:50051{:>54}", "up 1m 2s")
    );
    assert_eq!(
        rows[1],
        "queue          3 of 1,024 jobs   1 of 2 workers idle   4 open calls"
    );
    assert_eq!(rows[2], "12,345 commands/s, peak 12,345, 25% busy");
    assert_eq!(
        rows[3],
        "jobs waited p50 <1.1 us p99 <1.1 us, ran p50 <4.1 us p99 <4.1 us"
    );
    assert!(
        rows[4..8].iter().all(|row| row.starts_with('█')),
        "{rows:?}"
    );
    let numbers = "     0         1,200            12,000        12,000  ";
    assert_eq!(
        rows[9],
        format!("{numbers}{:<21}  50%", "█".repeat(10) + "▌")
    );
    assert!(rows[10].ends_with(" 0%"), "{rows:?}");
    assert_eq!(rows[23], "q quits, arrows scroll");
}

#[test]
fn the_smallest_screen_shows_the_same_in_short() {
    let rows = rows(&mut view(&[(12_000, 1.0), (345, 0.0)]), 40, 10);
    assert_eq!(rows[0], "workers of 127.0.0.1:50051      up 1m 2s");
    assert_eq!(rows[1], "queue 3/1024  idle 1/2  calls 4");
    assert_eq!(rows[2], "12,345 commands/s, peak 12,345, 50% busy");
    assert_eq!(rows[3], "█");
    assert_eq!(rows[4], "worker  commands/s  busy");
    assert_eq!(
        rows[5],
        format!("     0      12,000  {} 100%", "█".repeat(15))
    );
    assert_eq!(rows[6], format!("     1         345  {:>20}", "0%"));
    assert_eq!(rows[9], "q quits, arrows scroll");
}

#[test]
fn a_large_screen_has_a_wide_bar() {
    let rows = rows(&mut view(&[(12_000, 1.0)]), 200, 60);
    assert_eq!(rows[9].matches('█').count(), 200 - 54 - 5);
    assert_eq!(rows.len(), 60);
}

#[test]
fn more_workers_than_rows_are_scrolled() {
    let workers: Vec<_> = (0..64).map(|worker| (worker * 1000, 0.0)).collect();
    let mut view = view(&workers);
    let first = |view: &mut View| {
        rows(view, 40, 10)[5]
            .split_whitespace()
            .next()
            .map(str::to_owned)
    };
    assert_eq!(first(&mut view).as_deref(), Some("0"));
    view.scroll(3);
    assert_eq!(first(&mut view).as_deref(), Some("3"));
    view.scroll(isize::MAX);
    // Four fit, and the table stays full.
    assert_eq!(first(&mut view).as_deref(), Some("60"));
    view.scroll(-1);
    assert_eq!(first(&mut view).as_deref(), Some("59"));
    view.scroll(isize::MIN);
    assert_eq!(first(&mut view).as_deref(), Some("0"));
}

#[test]
fn an_outage_is_told_until_the_server_is_back() {
    let mut view = view(&[(12_000, 1.0)]);
    view.take(Update::Outage(Outage {
        reason: "cannot connect to http://127.0.0.1:50051: connection refused".to_owned(),
        wait: Duration::from_millis(500),
        next_try: 2,
    }));
    for (columns, height) in [(40, 10), (80, 24)] {
        let screen = rows(&mut view, columns, height).join(" ");
        assert!(
            screen.contains("lost the server; try 2 in 500ms"),
            "{screen}"
        );
        assert!(screen.contains("refused"), "{screen}");
        // What was known is still there.
        assert!(screen.contains("12,000"), "{screen}");
    }
    view.take(Update::Snapshot(snapshot(1, &[(0, 0.0)])));
    let screen = rows(&mut view, 40, 10).join(" ");
    assert!(!screen.contains("lost"), "{screen}");
    assert!(screen.contains("measuring the rate"), "{screen}");
}

#[test]
fn any_size_can_be_drawn() {
    let mut empty = View::new(String::new(), false);
    let mut full = view(&[(1, 1.0); 40]);
    for columns in [1, 2, 5, 19, 39, 75, 76, 300] {
        for height in [1, 2, 3, 4, 5, 6, 9, 13, 19, 100] {
            assert_eq!(rows(&mut empty, columns, height).len(), usize::from(height));
            assert_eq!(rows(&mut full, columns, height).len(), usize::from(height));
        }
    }
    assert!(
        rows(&mut empty, 40, 10)
            .concat()
            .contains("waiting for the first snapshot")
    );
}

#[test]
fn without_colours_there_are_none() {
    let mut plain = view(&[(12_000, 1.0)]);
    plain.colours = false;
    let area = Rect::new(0, 0, 80, 24);
    let mut buffer = Buffer::empty(area);
    plain.render(area, &mut buffer);
    assert!(buffer.content().iter().all(|cell| cell.fg == Color::Reset));
    let mut buffer = Buffer::empty(area);
    view(&[(12_000, 1.0)]).render(area, &mut buffer);
    assert!(buffer.content().iter().any(|cell| cell.fg == Color::Yellow));
}
