//! What the articles say of "Address already in use".

use super::claim::Article::A0;
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use crate::lab::observation::Words;
use crate::lab::stage::LabError;
use crate::lab::transport::reuse::{self, Attempt, CASES, Choice, Remains, Row};

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "time-wait-holds-address",
        articles: &[A0],
        statement: Words {
            en: "A restarted server cannot bind because TIME-WAIT still holds its address.",
            zh: "重启服务端时地址被占用,是因为服务端仍处于 TIME-WAIT。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the server closed the connection first; after a client that did, it binds",
            zh: "是服务端先关闭连接;客户端先关闭时可以立即绑定",
        }),
        why: Words {
            en: "TIME-WAIT is at the side that closes first. When that is the client, the server's port is free.",
            zh: "TIME-WAIT 在先关闭的一方。如果是客户端先关闭,服务端的端口就是空闲的。",
        },
        attempt: holds_address,
    },
    Claim {
        id: "reuseaddr-cures",
        articles: &[A0],
        statement: Words {
            en: "SO_REUSEADDR before bind() cures \"Address already in use\".",
            zh: "在 bind() 之前设置 SO_REUSEADDR 就能解决\"地址已被占用\"。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the old server had set it too; and nobody listens any more",
            zh: "上一次运行的服务端也设置了它,并且已没有人在监听",
        }),
        why: Words {
            en: "Both sockets have to agree. A server that gets the option today still fails once: what its last run left \
                 does not have it. A port where somebody listens is never shared by it.",
            zh: "新旧两个套接字都必须同意。今天才加上这个选项的服务端仍会失败一次,因为上次运行留下的套接字没有设置它。有人在监听的端口\
                 不会因它而共享。",
        },
        attempt: reuse_address,
    },
    Claim {
        id: "settings-cure-bind",
        articles: &[A0],
        statement: Words {
            en: "Kernel settings (tcp_tw_reuse, tcp_fin_timeout ...) cure \"Address already in use\".",
            zh: "修改内核参数(tcp_tw_reuse、tcp_fin_timeout 等)可以解决\"地址已被占用\"。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "None of them is about bind(): syncookies are about floods, tw_reuse about connect(), fin_timeout about \
                 FIN-WAIT-2.",
            zh: "它们都与 bind() 无关:syncookies 针对洪水攻击,tw_reuse 针对 connect(),fin_timeout 针对 FIN-WAIT-2。",
        },
        attempt: settings,
    },
];

/// The four restarts after a server that left `remains`: the option unset, new, old, both.
fn restarts(ground: Ground, remains: Remains) -> Result<Row, Untried> {
    ground.loopback(move |place| {
        let about = |case: &&reuse::Case| case.remains == remains && case.option == Choice::ReuseAddress;
        let case = CASES.iter().find(about).copied().unwrap_or(CASES[0]);
        Ok::<_, LabError>(reuse::row(place, case)?)
    })
}

fn told(attempt: Option<&Attempt>) -> String {
    match attempt {
        None => "-".to_owned(),
        Some(attempt) => attempt.error.clone().unwrap_or_else(|| "ok".to_owned()),
    }
}

fn attempt(row: &Row, old: bool, new: bool) -> Option<&Attempt> {
    row.cell(old, new).map(|cell| &cell.attempt)
}

fn in_use(attempt: Option<&Attempt>) -> bool {
    attempt.is_some_and(Attempt::address_in_use)
}

fn works(attempt: Option<&Attempt>) -> bool {
    attempt.is_some_and(Attempt::succeeded)
}

fn holds_address(ground: Ground) -> Result<Found, Untried> {
    let server_first = restarts(ground, Remains::ServerClosedFirst)?;
    let client_first = restarts(ground, Remains::ClientClosedFirst)?;
    let [first, second] = [&server_first, &client_first].map(|row| attempt(row, false, false));
    let measured = format!("server closed first: {}; client closed first: {}", told(first), told(second));
    Ok(Found::sides(in_use(first), works(second), measured))
}

fn reuse_address(ground: Ground) -> Result<Found, Untried> {
    let row = restarts(ground, Remains::ServerClosedFirst)?;
    let listening = restarts(ground, Remains::Listening)?;
    let [new, old, both] = [(false, true), (true, false), (true, true)].map(|(old, new)| attempt(&row, old, new));
    let live = attempt(&listening, true, true);
    let measured = format!("new {}, old {}, both {}; LISTEN, both {}", told(new), told(old), told(both), told(live));
    Ok(Found::sides(works(both), in_use(new) && in_use(old) && in_use(live), measured))
}

fn settings(ground: Ground) -> Result<Found, Untried> {
    let trials = ground.machine(|_| Ok(reuse::try_out()?))?;
    let setting = |one: &reuse::Setting| format!("{}={}", one.name, one.value.as_deref().unwrap_or_default());
    let results = trials.restarts.iter().map(|trial| {
        let settings: Vec<_> = trial.settings.iter().map(setting).collect();
        format!("{}: {}", settings.join(" "), told(Some(&trial.attempt)))
    });
    let measured = results.collect::<Vec<_>>().join("; ");
    let attempts = || trials.restarts.iter().map(|trial| Some(&trial.attempt));
    Ok(Found::sides(attempts().all(works), attempts().all(in_use), measured))
}
