//! "Address already in use", told in the order in which it happened.

mod words;

use std::fmt::Display;
use std::io::{self, Write};

use super::palette::Ink;
use super::table::{Cell, Column, Table};
use super::{Palette, Paragraph};
use crate::lab::observation::{Language, Words};
use crate::lab::transport::reuse::{
    self, Act, Attempt, Choice, HEART, Left, Observation, Remains, Row, Seen, Setting, Timers, Trials,
};

/// How the report is written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colours.
    pub palette: Palette,
    /// Columns of the terminal; none where there is none.
    pub width: Option<u16>,
    /// Language of the texts.
    pub language: Language,
}

/// Writes everything that was seen and the lessons.
///
/// # Errors
/// What the writer refused.
pub fn observation(out: &mut (impl Write + ?Sized), seen: &Observation, style: Style) -> io::Result<()> {
    let kernel = &seen.loopback.kernel;
    let title = match style.language {
        Language::English => format!("Address already in use, tried on Linux {kernel}"),
        Language::Chinese => format!("地址已被占用,在 Linux {kernel} 上试验"),
    };
    writeln!(out, "{}\n", style.palette.paint(Ink::Strong, title))?;
    for (number, act) in seen.loopback.story.iter().enumerate() {
        style.act(out, number + 1, act)?;
    }
    style.matrix(out, &seen.loopback.matrix)?;
    style.settings(out, seen)?;
    style.lessons(out, seen)
}

/// `TIME-WAIT 127.0.0.1:20000 → 127.0.0.1:40000`.
fn entry(left: &Left) -> String {
    format!("{} {} → {}", left.state, left.local, left.remote)
}

fn seconds(ms: u32) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// The states that the kernel showed before the restarts: the same in each cell, for that was waited for.
fn shown(row: &Row) -> Cell {
    let left = row.cells.first().map(|cell| cell.left.as_slice()).unwrap_or_default();
    match left {
        [] => Cell::ink(Ink::Faint, "-"),
        some => Cell::new(some.iter().map(|left| left.state.name()).collect::<Vec<_>>().join(", ")),
    }
}

fn came_out(attempt: &Attempt, success: &str) -> Cell {
    match (attempt.failed_call, &attempt.error) {
        (Some(call), Some(error)) => Cell::ink(Ink::Bad, format_args!("{call}: {error}")),
        _ => Cell::ink(Ink::Good, success),
    }
}

impl Style {
    fn say(self, words: Words) -> &'static str {
        words.get(self.language)
    }

    /// One of two texts with values in them.
    fn either(self, english: impl Display, chinese: impl Display) -> String {
        match self.language {
            Language::English => english.to_string(),
            Language::Chinese => chinese.to_string(),
        }
    }

    fn column(self, words: Words) -> Column {
        Column::left(self.say(words))
    }

    fn remark(self, out: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
        Paragraph::remark(text).write(out, self.palette, self.width)
    }

    /// The heading of part `number`, from 1.
    fn heading(self, out: &mut (impl Write + ?Sized), number: usize) -> io::Result<()> {
        let text = words::HEADINGS.get(number - 1).map_or("", |words| self.say(*words));
        let number = self.palette.paint(Ink::Strong, format!("{number}."));
        writeln!(out, "{number} {}", self.palette.paint(Ink::Strong, text))
    }

    /// A step: who, and what.
    fn step(self, out: &mut (impl Write + ?Sized), who: Words, what: &str) -> io::Result<()> {
        // A Chinese character takes two columns.
        let who = self.say(who);
        let room = 7 - if self.language == Language::Chinese { who.chars().count() } else { 0 };
        writeln!(out, "   {}  {what}", self.palette.paint(Ink::Faint, format_args!("{who:<room$}")))
    }

    fn act(self, out: &mut (impl Write + ?Sized), number: usize, act: &Act) -> io::Result<()> {
        let Act { old_set, server, client, left, restarts } = act;
        self.heading(out, number)?;
        self.step(out, words::SERVER, &format!("bind {server}, listen"))?;
        let connect = self.either(
            format_args!("connect from {client}; the server accepts"),
            format_args!("从 {client} connect;服务器 accept"),
        );
        self.step(out, words::CLIENT, &connect)?;
        self.step(out, words::SERVER, self.say(words::CLOSES_FIRST))?;
        self.step(out, words::CLIENT, self.say(words::CLOSES_TOO))?;
        self.step(out, words::SERVER, self.say(words::GONE))?;
        self.step(out, words::KERNEL, &self.holds(left))?;
        for restart in restarts {
            let with = self.say(if restart.new_set { words::WITH } else { words::WITHOUT });
            let still = match &restart.still_left {
                Some(left) if restart.attempt.succeeded() => self
                    .either(format_args!("; {} is still there", left.state), format_args!(";{} 仍在那里", left.state)),
                _ => String::new(),
            };
            self.step(out, words::RESTART, &format!("{with} {}{still}", self.outcome(&restart.attempt)))?;
        }
        // What explains the usual outcome would be a lie about another one; the lessons then tell.
        if restarts.iter().all(|restart| restart.attempt.succeeded() == (*old_set && restart.new_set)) {
            let why = self.either(
                format_args!(
                    "It is bind() that fails, before listen(): errno 98 means that {server} still belongs to a socket. \
                     Here that is the TIME-WAIT entry, which answers for the closed connection for a minute. To set \
                     the option now is too late: the entry remembers that the old socket did not have it."
                ),
                format_args!(
                    "失败的是 bind(),还没到 listen():errno 98 表示 {server} 仍属于某个套接字。这里就是 TIME-WAIT,\
                     它替已关闭的连接应答一分钟。现在才设置选项已经晚了:它记得旧的套接字没有设置过。"
                ),
            );
            self.remark(out, if *old_set { self.say(words::AGREED) } else { &why })?;
        }
        writeln!(out)
    }

    fn holds(self, left: &Left) -> String {
        let held = entry(left);
        match left.remaining_ms.map(seconds) {
            Some(rest) => {
                self.either(format_args!("holds {held}, {rest} left"), format_args!("保留着 {held},还剩 {rest}"))
            }
            None => self.either(format_args!("holds {held}"), format_args!("保留着 {held}")),
        }
    }

    /// `bind: EADDRINUSE (98), address already in use`, or that it worked.
    fn outcome(self, attempt: &Attempt) -> String {
        match (attempt.failed_call, attempt.errno, &attempt.error) {
            (Some(call), Some(errno), Some(error)) => {
                let meaning = if attempt.address_in_use() { self.say(words::IN_USE) } else { "" };
                format!("{call}: {}", self.palette.paint(Ink::Bad, format_args!("{error} ({errno}){meaning}")))
            }
            _ => self.palette.paint(Ink::Good, self.say(words::WORKS)).to_string(),
        }
    }

    fn matrix(self, out: &mut (impl Write + ?Sized), rows: &[Row]) -> io::Result<()> {
        self.heading(out, 3)?;
        self.remark(out, self.say(words::COLUMNS))?;
        writeln!(out)?;
        let (heart, others) = rows.split_at(HEART.min(rows.len()));
        let table =
            |first: [Words; 2]| Table::new(first.into_iter().chain(words::WHO_SET).map(|words| self.column(words)));
        let mut hearts = table([words::OLD_SERVER, words::SHOWS]);
        for row in heart {
            let first = [Cell::new(self.say(words::story(row.case.remains))), shown(row)];
            hearts.row(first.into_iter().chain(row.cells.iter().map(|cell| self.result(cell))));
        }
        hearts.write(out, self.palette, self.width)?;
        writeln!(out)?;
        let mut rest = table([words::OTHERS, words::OPTION]);
        for row in others {
            let option = match row.case.option {
                Choice::ReuseAddress => "SO_REUSEADDR",
                Choice::ReusePort => "SO_REUSEPORT",
            };
            let first = [Cell::new(self.situation(row)), Cell::new(option)];
            rest.row(first.into_iter().chain(row.cells.iter().map(|cell| self.result(cell))));
        }
        rest.write(out, self.palette, self.width)?;
        writeln!(out)
    }

    fn situation(self, row: &Row) -> String {
        let what = match row.case.remains {
            Remains::ServerClosedFirst => "TIME-WAIT",
            Remains::Bound => "BOUND",
            Remains::UdpOpen => "UDP",
            _ => "LISTEN",
        };
        let (old, new) = (row.case.old_address, row.case.new_address);
        if old == new {
            self.either(format_args!("{what} {old}, then again"), format_args!("{what} {old},再来一次"))
        } else {
            self.either(format_args!("{what} {old}, then {new}"), format_args!("{what} {old},然后 {new}"))
        }
    }

    fn result(self, cell: &reuse::Cell) -> Cell {
        match &cell.attempt.error {
            None => Cell::ink(Ink::Good, self.say(words::CELL_WORKS)),
            Some(_) if cell.attempt.address_in_use() => Cell::ink(Ink::Bad, self.say(words::CELL_IN_USE)),
            Some(error) => {
                Cell::ink(Ink::Warn, format_args!("{} {error}", cell.attempt.failed_call.unwrap_or_default()))
            }
        }
    }

    fn settings(self, out: &mut (impl Write + ?Sized), seen: &Observation) -> io::Result<()> {
        self.heading(out, 4)?;
        let columns = [words::HERE, words::WHAT_IT_DOES].map(|words| self.column(words));
        let mut table = Table::new([Column::left("net.ipv4.")].into_iter().chain(columns));
        for Setting { name, value } in &seen.loopback.settings {
            let here = value.as_deref().map_or(Cell::ink(Ink::Faint, self.say(words::ABSENT)), Cell::new);
            table.row([Cell::new(name), here, Cell::new(self.say(words::effect(name)))]);
        }
        table.write(out, self.palette, self.width)?;
        writeln!(out)?;
        match (&seen.trials, &seen.not_tried) {
            (Some(trials), _) => self.trials(out, trials)?,
            (None, Some(why)) => {
                let text =
                    self.either(format_args!("Not changed and tried: {why}"), format_args!("没有修改和试验:{why}"));
                let warning = Paragraph { ink: Some(Ink::Warn), ..Paragraph::remark(&text) };
                warning.write(out, self.palette, self.width)?;
            }
            (None, None) => {}
        }
        writeln!(out)
    }

    fn trials(self, out: &mut (impl Write + ?Sized), trials: &Trials) -> io::Result<()> {
        self.remark(out, self.say(words::TRIED_PRIVATELY))?;
        writeln!(out)?;
        let mut table = Table::new(words::TRIALS.map(|words| self.column(words)));
        for trial in &trials.restarts {
            let value =
                |setting: &Setting| format!("{}={}", setting.name, setting.value.as_deref().unwrap_or_default());
            let settings: Vec<_> = trial.settings.iter().map(value).collect();
            let left = trial.left.and_then(|left| left.remaining_ms).map(seconds).unwrap_or_default();
            let tried = self.either(
                format_args!("restart without SO_REUSEADDR, TIME-WAIT has {left} left"),
                format_args!("不设置 SO_REUSEADDR 重启,TIME-WAIT 还剩 {left}"),
            );
            let result = came_out(&trial.attempt, self.say(words::WORKS));
            table.row([Cell::new(settings.join(" ")), Cell::new(tried), result]);
        }
        let left = |ms: Option<u32>| ms.map_or(self.say(words::NONE).to_owned(), seconds);
        let (fin_wait_2, time_wait) = (left(trials.timers.fin_wait_2_ms), left(trials.timers.time_wait_ms));
        table.row([
            Cell::new(format_args!("tcp_fin_timeout={}", Timers::FIN_TIMEOUT_S)),
            Cell::new(self.say(words::TIME_LEFT)),
            Cell::new(format_args!("FIN-WAIT-2 {fin_wait_2}, TIME-WAIT {time_wait}")),
        ]);
        for trial in &trials.connects {
            let age = trial.age_ms;
            let tried = self.either(
                format_args!("connect() with one local port, in TIME-WAIT for {age} ms"),
                format_args!("只有一个本地端口时 connect(),它处于 TIME-WAIT 已有 {age} ms"),
            );
            let setting = format!("tcp_tw_reuse={}", trial.tcp_tw_reuse);
            table.row([Cell::new(setting), Cell::new(tried), came_out(&trial.attempt, self.say(words::CONNECTS))]);
        }
        table.write(out, self.palette, self.width)
    }

    fn lessons(self, out: &mut (impl Write + ?Sized), seen: &Observation) -> io::Result<()> {
        self.heading(out, 5)?;
        for lesson in &seen.lessons {
            let (lead, lead_ink) = match lesson.seen {
                Seen::Yes => (words::SEEN, Ink::Good),
                Seen::No => (words::NOT_SEEN, Ink::Bad),
                Seen::NotTried => (words::NOT_TRIED, Ink::Warn),
            };
            let (lead, text) = (self.say(lead), self.say(lesson.statement));
            Paragraph { lead, lead_ink, text, ink: None }.write(out, self.palette, self.width)?;
        }
        let left = seen.loopback.time_wait_left_behind;
        writeln!(out)?;
        let text = self.either(
            format_args!(
                "Nothing runs on. {left} TIME-WAIT entries are the kernel's now and end within a minute; watch them \
                 with: netlab sockets --state time-wait"
            ),
            format_args!(
                "没有留下任何进程。{left} 个 TIME-WAIT 归内核所有,一分钟之内结束;可以这样观察: netlab sockets --state time-wait"
            ),
        );
        self.remark(out, &text)
    }
}
