//! What the demo prints: headings, steps with a mark and the time that they took, notes.

use std::fmt::Display;
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;

/// The way to the reader. Colour and the line of the step under way are for terminals only.
pub(crate) struct Say {
    terminal: bool,
    colour: bool,
}

impl Say {
    pub(crate) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            terminal,
            colour: terminal && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A part of the demo begins.
    pub(crate) fn heading(&self, text: &str) -> io::Result<()> {
        line(format_args!("\n{}", self.paint("1", text)))
    }

    /// Does something and says that it is done, and how long it took.
    pub(crate) async fn step<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.pending(what)?;
        let began = Instant::now();
        let outcome = work.await;
        match &outcome {
            Ok(_) => self.done(what, began.elapsed())?,
            Err(_) => self.marked("31", "✗", what, began.elapsed())?,
        }
        outcome
    }

    /// Something took this long, measured elsewhere.
    pub(crate) fn done(&self, what: &str, took: Duration) -> io::Result<()> {
        self.marked("32", "✓", what, took)
    }

    fn pending(&self, what: &str) -> io::Result<()> {
        if self.terminal {
            let mut out = io::stdout().lock();
            write!(out, "  …          {what}")?;
            out.flush()?;
        }
        Ok(())
    }

    fn marked(&self, code: &str, mark: &str, what: &str, took: Duration) -> io::Result<()> {
        let back = if self.terminal { "\r\x1b[K" } else { "" };
        let mark = self.paint(code, mark);
        line(format_args!("{back}  {mark} {:>7}  {what}", human(took)))
    }

    /// A remark below a step.
    pub(crate) fn note(&self, text: &str) -> io::Result<()> {
        text.lines()
            .try_for_each(|text| line(format_args!("             {}", self.paint("2", text))))
    }
}

/// A line as it is.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// A time as people say it.
pub(crate) fn human(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
