//! The full screen: keys in, the view out. However it ends, the terminal is as it was.

use std::io;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::feed::Update;
use super::view::View;
use crate::cli::RunError;

/// Keys that wait to be obeyed.
const INPUTS_MAX: usize = 16;
/// How often the reader of the keys looks whether anybody wants them.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What the user does to the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    Quit,
    /// Down, or up if it is negative.
    Scroll(isize),
    Redraw,
}

/// Until the user quits or there is nothing more to show.
pub(super) async fn show(mut view: View, mut updates: Receiver<Update>) -> Result<(), RunError> {
    let mut screen = Screen::open()?;
    let (sender, mut inputs) = mpsc::channel(INPUTS_MAX);
    // It ends soon after `inputs` is dropped.
    let _reader = tokio::task::spawn_blocking(|| read_inputs(sender));
    loop {
        screen.draw(&mut view)?;
        tokio::select! {
            update = updates.recv() => match update {
                Some(update) => view.take(update),
                None => return Ok(()),
            },
            input = inputs.recv() => match input {
                // Without keys nobody could quit: so does a terminal that is gone.
                None | Some(Ok(Input::Quit)) => return Ok(()),
                Some(Ok(Input::Scroll(by))) => view.scroll(by),
                Some(Ok(Input::Redraw)) => {}
                Some(Err(error)) => return Err(error.into()),
            },
        }
    }
}

/// The terminal, while it is ours. A panic restores it too: ratatui sees to that.
struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    fn open() -> io::Result<Self> {
        let opened = ratatui::try_init();
        if opened.is_err() {
            // It may be half-way there.
            let _ = ratatui::try_restore();
        }
        Ok(Self { terminal: opened? })
    }

    fn draw(&mut self, view: &mut View) -> io::Result<()> {
        let draw = |frame: &mut ratatui::Frame<'_>| frame.render_widget(view, frame.area());
        self.terminal.draw(draw).map(|_drawn| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The cursor is hidden by each drawing.
        let _ = self.terminal.show_cursor();
        let _ = ratatui::try_restore();
    }
}

fn read_inputs(inputs: Sender<io::Result<Input>>) {
    while !inputs.is_closed() {
        let input = match event::poll(LOOK_INTERVAL) {
            Ok(false) => continue,
            Ok(true) => event::read().map(|event| input_of(&event)).transpose(),
            Err(error) => Some(Err(error)),
        };
        let failed = matches!(input, Some(Err(_)));
        let taken = input.is_none_or(|input| inputs.blocking_send(input).is_ok());
        if failed || !taken {
            return;
        }
    }
}

fn input_of(event: &Event) -> Option<Input> {
    let key = match event {
        Event::Resize(_, _) => return Some(Input::Redraw),
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return None,
    };
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Input::Quit),
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Input::Quit),
        KeyCode::Down | KeyCode::Char('j') => Some(Input::Scroll(1)),
        KeyCode::Up | KeyCode::Char('k') => Some(Input::Scroll(-1)),
        KeyCode::PageDown => Some(Input::Scroll(10)),
        KeyCode::PageUp => Some(Input::Scroll(-10)),
        KeyCode::Home => Some(Input::Scroll(isize::MIN)),
        KeyCode::End => Some(Input::Scroll(isize::MAX)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let check = |code, modifiers, expected| {
            let event = Event::Key(KeyEvent::new(code, modifiers));
            assert_eq!(input_of(&event), expected, "{event:?}");
        };
        let none = KeyModifiers::NONE;
        check(KeyCode::Char('q'), none, Some(Input::Quit));
        check(KeyCode::Esc, none, Some(Input::Quit));
        check(KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Input::Quit));
        check(KeyCode::Char('c'), none, None);
        check(KeyCode::Char('j'), none, Some(Input::Scroll(1)));
        check(KeyCode::Up, none, Some(Input::Scroll(-1)));
        assert_eq!(input_of(&Event::Resize(40, 10)), Some(Input::Redraw));
        assert_eq!(input_of(&Event::FocusLost), None);
    }
}
