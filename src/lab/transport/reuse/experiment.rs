//! The experiment as a lab: the story as a ladder, the matrix and the settings as findings.

use super::lessons::{self, Seen};
use super::{observe, try_out};
use crate::kernel::namespace::Host;
use crate::lab::experiment::{Floor, Lab, Parameters};
use crate::lab::observation::Words;
use crate::lab::stage::{LabError, Stage};

/// The lab.
pub const LAB: Lab = Lab {
    name: "reuse",
    floor: Floor::Transport,
    on_loopback: true,
    title: Words {
        en: "Address already in use: what holds it, and what cures it",
        zh: "地址已被占用:是什么占着它,怎样解决",
    },
    explanation: Words {
        en: "A server that closes a connection first keeps TIME-WAIT on its port for a minute, and a new server cannot \
             bind there: EADDRINUSE. SO_REUSEADDR, set before bind(), allows it, but only when the old socket had it \
             too: the entry remembers. So it is what the running server set that decides whether its next restart works. \
             When the client closed first, TIME-WAIT is at the client's port, and nothing is in the way. A listening \
             server is never displaced; two can share a port with SO_REUSEPORT on both. The kernel settings that are \
             often recommended do not help: tcp_tw_reuse is about connect(), tcp_fin_timeout about FIN-WAIT-2, and \
             tcp_tw_recycle is gone.",
        zh: "先关闭连接的服务器在自己的端口上保留 TIME-WAIT 一分钟,新的服务器不能在那里 bind():EADDRINUSE。在 bind() 之前设置 \
             SO_REUSEADDR 就可以,但旧的套接字也必须设置过:TIME-WAIT 记得这一点。所以,决定下一次重启能否成功的,\
             是正在运行的服务器设置了什么。如果是客户端先关闭,TIME-WAIT 在客户端的端口上,什么都不妨碍。正在监听的服务器不会被挤走;\
             两者都设置 SO_REUSEPORT 时可以共享端口。常被推荐的内核参数没有用:tcp_tw_reuse 管的是 connect(),\
             tcp_fin_timeout 管的是 FIN-WAIT-2,tcp_tw_recycle 已经不存在了。",
    },
    run,
};

fn run(stage: &mut Stage<'_>, _: &Parameters) -> Result<(), LabError> {
    let seen = observe(stage)?;
    // In a network of its own: there is no way back from some settings.
    let trials = if stage.has_wire() { Some(Host::new("settings")?.run(try_out)?) } else { None };
    for lesson in lessons::all(&seen, trials.as_ref()) {
        if lesson.seen != Seen::NotTried {
            stage.finding(lesson.statement, lesson.seen == Seen::Yes, lesson.measured);
        }
    }
    Ok(())
}
