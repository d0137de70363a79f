//! What the articles say of Python's sockets, for Python to tell.

use super::claim::Article::{A1, A2, A3, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use crate::lab::observation::Words;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "recv-gives-string",
        articles: &[A1, A2],
        statement: Words { en: "recv() returns a string.", zh: "recv() 以字符串形式返回数据。" },
        expected: Expected::Refuted,
        why: Words {
            en: "In Python 3 it returns bytes, which become text by decode().",
            zh: "Python 3 中返回 bytes,用 decode() 才变成文本。",
        },
        attempt: recv_type,
    },
    Claim {
        id: "bind-one-string",
        articles: &[A4],
        statement: Words {
            en: "bind('localhost,9999') names an address.",
            zh: "socket.bind('localhost,9999') 可以绑定地址。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "bind() wants one tuple: bind(('localhost', 9999)).",
            zh: "bind() 需要一个元组:bind(('localhost', 9999))。",
        },
        attempt: bind_string,
    },
    Claim {
        id: "send-string",
        articles: &[A2],
        statement: Words {
            en: "The web server answers with send(\"HTTP/1.1 200 OK\").",
            zh: "Web 服务器用 send(\"HTTP/1.1 200 OK\") 应答。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Python 3 sends bytes: b\"HTTP/1.1 200 OK\".",
            zh: "Python 3 只能发送 bytes:b\"HTTP/1.1 200 OK\"。",
        },
        attempt: send_string,
    },
    Claim {
        id: "sendall-recursive",
        articles: &[A2],
        statement: Words {
            en: "sendall() calls send() recursively until everything is sent.",
            zh: "sendall() 递归调用 send() 直到发完。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It is one loop around send(2) inside the interpreter; the send() of the socket is not called at all.",
            zh: "它是解释器内部围绕 send(2) 的一个循环,根本不会调用套接字的 send() 方法。",
        },
        attempt: sendall,
    },
    Claim {
        id: "setup-skips-finish",
        articles: &[A4],
        statement: Words {
            en: "When setup() of a request handler fails, finish() is not called.",
            zh: "请求处理类的 setup() 出错时,finish() 不会被调用。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "finish() belongs to handle(), which setup() comes before.",
            zh: "finish() 与 handle() 配对,而 setup() 在它们之前。",
        },
        attempt: hooks,
    },
    Claim {
        id: "fork-on-linux",
        articles: &[A4],
        statement: Words {
            en: "On Linux a process can make another with fork().",
            zh: "Linux 上可以用 fork() 创建子进程。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "Windows has no fork(); ForkingTCPServer works where it exists.",
            zh: "Windows 没有 fork();ForkingTCPServer 只能用在有 fork() 的系统上。",
        },
        attempt: fork,
    },
    Claim {
        id: "printed-code-runs",
        articles: &[A3],
        statement: Words {
            en: "The code of the article runs as it is printed.", zh: "文中的代码可以照抄运行。"
        },
        expected: Expected::Refuted,
        why: Words {
            en: "Misspelt names, a missing comma, an index without a number, an address that is no tuple: each line fails.",
            zh: "拼错的名字、缺少的逗号、没有下标的方括号、不是元组的地址:每一行都会出错。",
        },
        attempt: printed,
    },
];

/// Judges by what Python prints: the statement's words, or the contrary's.
pub(super) fn prints(ground: Ground, program: &'static str, claimed: &str, contrary: &str) -> Result<Found, Untried> {
    let said = ground.python(program)?;
    Ok(Found::sides(said == claimed, said == contrary, format!("Python: {said}")))
}

fn recv_type(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import socket
a, b = socket.socketpair()
a.send(b'abc')
print(type(b.recv(9)).__name__)";
    prints(ground, PROGRAM, "str", "bytes")
}

fn bind_string(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import socket
try:
    socket.socket().bind('localhost,9999')
    print('ok')
except Exception as e:
    print(type(e).__name__)";
    prints(ground, PROGRAM, "ok", "TypeError")
}

fn send_string(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import socket
a, b = socket.socketpair()
try:
    a.send('HTTP/1.1 200 OK')
    print('ok')
except Exception as e:
    print(type(e).__name__)";
    prints(ground, PROGRAM, "ok", "TypeError")
}

fn sendall(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import socket, threading
class Counting(socket.socket):
    calls = 0
    def send(self, *rest):
        Counting.calls += 1
        return super().send(*rest)
one, other = socket.socketpair()
one = Counting(one.family, one.type, 0, one.detach())
got = 0
def read():
    global got
    while True:
        data = other.recv(65536)
        if not data:
            return
        got += len(data)
reader = threading.Thread(target=read)
reader.start()
one.sendall(bytes(4000000))
one.close()
reader.join()
print('send():', Counting.calls, 'bytes:', got)";
    let said = ground.python(PROGRAM)?;
    let none = said == "send(): 0 bytes: 4000000";
    let some = said.starts_with("send(): ") && !said.starts_with("send(): 0 ");
    Ok(Found::sides(some, none, format!("sendall(4000000): {said}")))
}

fn hooks(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import socketserver
def run(failing):
    called = []
    class Handler(socketserver.BaseRequestHandler):
        pass
    def hook(name):
        def call(self):
            called.append(name)
            if name == failing:
                raise ValueError
        return call
    for name in ('setup', 'handle', 'finish'):
        setattr(Handler, name, hook(name))
    try:
        Handler(None, None, None)
    except ValueError:
        called.append('ValueError')
    return '+'.join(called)
print(run('setup'), run('handle'))";
    let said = ground.python(PROGRAM)?;
    let claimed = said == "setup+ValueError setup+handle+finish+ValueError";
    Ok(Found::sides(claimed, said.split(' ').next().is_some_and(|first| first.contains("finish")), said))
}

fn fork(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import os
child = os.fork()
if child == 0:
    os._exit(7)
print('exit', os.WEXITSTATUS(os.waitpid(child, 0)[1]))";
    let said = ground.python(PROGRAM)?;
    Ok(Found::whether(said == "exit 7", format!("fork: child {said}")))
}

fn printed(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
lines = [
    'import socket; socket.socket().rev(1024)',
    'import subprocess; subprocess.Popen(\"true\", shell=true)',
    'import subprocess; subprocess.Popen(\"true\").srderr.read()',
    'import struct; struct.unpack(\"i\", bytes(4))[]',
    'import socket; socket.socket().bind((\"127.0.0.1\"))',
    'import socketserver; socketserver.TCPServer.server_forever',
    'import subprocess; subprocess.Popen(\"true\" stdout=1)',
]
failed = []
for line in lines:
    try:
        exec(compile(line, 'line', 'exec'), {})
    except Exception as e:
        failed.append(type(e).__name__)
print(len(failed), '/', len(lines), *failed)";
    let said = ground.python(PROGRAM)?;
    Ok(Found::sides(said.starts_with("0 /"), said.starts_with("7 / 7"), said))
}
