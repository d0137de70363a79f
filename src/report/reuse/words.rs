//! The texts of the report, in every language.

use crate::lab::observation::Words;
use crate::lab::transport::reuse::Remains;

pub(super) const HEADINGS: [Words; 5] = [
    Words { en: "A server that does not set SO_REUSEADDR", zh: "没有设置 SO_REUSEADDR 的服务器" },
    Words {
        en: "The same server, with SO_REUSEADDR set before bind()",
        zh: "同样的服务器,在 bind() 之前设置了 SO_REUSEADDR",
    },
    Words {
        en: "Every case: 72 restarts, each on a port of its own", zh: "所有情况:72 次重启,每次用不同的端口"
    },
    Words { en: "The kernel settings that are often recommended instead", zh: "常被推荐的内核参数" },
    Words { en: "What follows, as seen on this kernel", zh: "由此得出的结论,以这个内核上看到的为准" },
];

pub(super) const SERVER: Words = Words { en: "server", zh: "服务器" };
pub(super) const CLIENT: Words = Words { en: "client", zh: "客户端" };
pub(super) const KERNEL: Words = Words { en: "kernel", zh: "内核" };
pub(super) const RESTART: Words = Words { en: "restart", zh: "重启" };

pub(super) const CLOSES_FIRST: Words = Words { en: "close: it closes first", zh: "close:它先关闭" };
pub(super) const CLOSES_TOO: Words =
    Words { en: "reads the end of the stream, closes too", zh: "读到流的结尾,也关闭" };
pub(super) const GONE: Words =
    Words { en: "closes its listening socket; the program is gone", zh: "关闭监听套接字;程序结束" };
pub(super) const WITH: Words = Words { en: "with SO_REUSEADDR:   ", zh: "设置 SO_REUSEADDR:  " };
pub(super) const WITHOUT: Words = Words { en: "without SO_REUSEADDR:", zh: "不设置 SO_REUSEADDR:" };
pub(super) const IN_USE: Words = Words { en: ", address already in use", zh: ",地址已被占用" };
pub(super) const WORKS: Words = Words { en: "bind and listen work", zh: "bind 和 listen 成功" };
pub(super) const CONNECTS: Words = Words { en: "connect works", zh: "connect 成功" };
pub(super) const AGREED: Words = Words {
    en: "Both sockets agreed to share the address; the entry keeps what the old socket had set. So it is what the \
         running server set that decides whether its next restart works.",
    zh: "两个套接字都同意共享地址;TIME-WAIT 保留着旧套接字的设置。所以,决定下一次重启能否成功的,是正在运行的服务器设置了什么。",
};

pub(super) const COLUMNS: Words = Words {
    en: "Columns: who had set the option before bind(). works: bind() and listen() did; in use: bind() failed with \
         EADDRINUSE.",
    zh: "各列:谁在 bind() 之前设置了选项。成功:bind() 和 listen() 都成功;占用:bind() 以 EADDRINUSE 失败。",
};
pub(super) const WHO_SET: [Words; 4] = [
    Words { en: "NEITHER", zh: "都没有" },
    Words { en: "NEW", zh: "新的" },
    Words { en: "OLD", zh: "旧的" },
    Words { en: "BOTH", zh: "两者" },
];
pub(super) const OLD_SERVER: Words = Words { en: "THE OLD SERVER", zh: "旧服务器" };
pub(super) const SHOWS: Words = Words { en: "KERNEL SHOWS", zh: "内核显示" };
pub(super) const OTHERS: Words = Words { en: "OTHER ADDRESSES AND OPTIONS", zh: "其他地址和选项" };
pub(super) const OPTION: Words = Words { en: "OPTION", zh: "选项" };
pub(super) const CELL_WORKS: Words = Words { en: "works", zh: "成功" };
pub(super) const CELL_IN_USE: Words = Words { en: "in use", zh: "占用" };

pub(super) const HERE: Words = Words { en: "HERE", zh: "本机" };
pub(super) const WHAT_IT_DOES: Words = Words { en: "WHAT IT DOES", zh: "作用" };
pub(super) const ABSENT: Words = Words { en: "absent", zh: "没有" };
pub(super) const TRIED_PRIVATELY: Words = Words {
    en: "Changed and tried in a private network namespace; the machine's own settings stay as they are:",
    zh: "在私有的网络命名空间中修改并试验;本机自己的参数保持不变:",
};
pub(super) const TRIALS: [Words; 3] =
    [Words { en: "SET TO", zh: "设置" }, Words { en: "TRIED", zh: "试验" }, Words { en: "CAME OUT", zh: "结果" }];
pub(super) const TIME_LEFT: Words =
    Words { en: "time left right after close()", zh: "close() 之后立即查看剩余时间" };
pub(super) const NONE: Words = Words { en: "none", zh: "无" };

pub(super) const SEEN: Words = Words { en: "   ✔ seen: ", zh: "   ✔ 看到了:" };
pub(super) const NOT_SEEN: Words =
    Words { en: "   ✘ NOT SEEN on this kernel: ", zh: "   ✘ 这个内核上没有看到:" };
pub(super) const NOT_TRIED: Words = Words { en: "   – not tried: ", zh: "   – 没有试验:" };

/// What the old server did, in the words of the table.
pub(super) fn story(remains: Remains) -> Words {
    match remains {
        Remains::Nothing => Words { en: "closed before anybody connected", zh: "没有人连接就关闭了" },
        Remains::ServerClosedFirst => Words { en: "closed the connection first", zh: "先关闭了连接" },
        Remains::ClientClosedFirst => Words { en: "closed after the client did", zh: "在客户端之后关闭" },
        Remains::Established => Words { en: "gone, its connection still open", zh: "已结束,连接仍然打开" },
        Remains::CloseWait => Words { en: "gone, never closed its end", zh: "已结束,从未关闭自己这一端" },
        Remains::FinWait2 => Words { en: "closed, the client has not", zh: "已关闭,客户端还没有" },
        Remains::Reset => Words { en: "reset it (SO_LINGER 0)", zh: "复位了连接(SO_LINGER 0)" },
        Remains::Bound => Words { en: "has bound, does not listen", zh: "已绑定,没有监听" },
        Remains::Listening => Words { en: "listens", zh: "正在监听" },
        Remains::UdpOpen => Words { en: "has a UDP socket open", zh: "有打开的 UDP 套接字" },
    }
}

/// What a setting of this name does.
pub(super) fn effect(name: &str) -> Words {
    match name {
        "tcp_syncookies" => Words {
            en: "answers a flood of connection requests without remembering them; TIME-WAIT is not touched",
            zh: "应答洪水般的连接请求而不记住它们;与 TIME-WAIT 无关",
        },
        "tcp_tw_reuse" => Words {
            en: "lets connect() take over a local port in TIME-WAIT after a second (1 everywhere, 2 on loopback); \
                 bind() never",
            zh: "让 connect() 在一秒之后接管处于 TIME-WAIT 的本地端口(1 处处,2 仅环回);bind() 永远不行",
        },
        "tcp_tw_recycle" => Words {
            en: "removed in Linux 4.12: it dropped clients that share one address behind a NAT",
            zh: "Linux 4.12 中移除:它会丢弃 NAT 之后共用一个地址的客户端",
        },
        "tcp_fin_timeout" => Words {
            en: "seconds that FIN-WAIT-2 lasts when no process holds the socket; TIME-WAIT is always 60 s",
            zh: "没有进程持有套接字时 FIN-WAIT-2 持续的秒数;TIME-WAIT 总是 60 秒",
        },
        _ => Words { en: "", zh: "" },
    }
}
