//! What the articles say of bytes, text and names, for Python to tell.

use super::claim::Article::{A0, A3, A4};
use super::claim::{Claim, Expected, Found};
use super::ground::{Ground, Untried};
use super::python::prints;
use crate::lab::observation::Words;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "struct-compresses",
        articles: &[A3],
        statement: Words {
            en: "struct compresses a length to four bytes.", zh: "struct 把长度压缩成 4 个字节。"
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It encodes: always four bytes, also for 7, which is one byte as text. And 'i' is the machine's own order of \
                 bytes; '!I' is the network's.",
            zh: "它只是编码:总是四个字节,连文本只占一个字节的 7 也一样。'i' 是本机字节序,'!I' 才是网络字节序。",
        },
        attempt: struct_sizes,
    },
    Claim {
        id: "struct-i-any-size",
        articles: &[A3],
        statement: Words {
            en: "struct.pack('i', n) takes the size of any file.",
            zh: "struct.pack('i', n) 可以表示任意文件的大小。",
        },
        expected: Expected::HoldsWhen(Words {
            en: "the file is smaller than 2 GiB, for 'i' is signed",
            zh: "文件小于 2 GiB,因为 'i' 是有符号的",
        }),
        why: Words {
            en: "From 2^31 on it fails: struct.error. '!Q' has eight bytes, enough for every file.",
            zh: "从 2^31 起报错 struct.error。'!Q' 有八个字节,足够任何文件。",
        },
        attempt: struct_limit,
    },
    Claim {
        id: "hasattr-is-enough",
        articles: &[A3],
        statement: Words {
            en: "hasattr(self, command) lets a client call the commands of the server and nothing else.",
            zh: "用 hasattr(self, cmd) 判断就能保证客户端只能调用服务端的命令。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "It finds every attribute, also __init__ and what was never meant as a command. A table of commands is needed.",
            zh: "它能找到任何属性,包括 __init__ 和从未打算作为命令的方法。应当使用命令表。",
        },
        attempt: dispatch,
    },
    Claim {
        id: "output-is-gbk",
        articles: &[A0, A3],
        statement: Words {
            en: "The output of a command is decoded with decode('gbk').",
            zh: "命令的输出用 decode('gbk') 解码。",
        },
        expected: Expected::Refuted,
        why: Words {
            en: "That is Chinese Windows. On Linux the output is UTF-8: gbk gives other characters or an error.",
            zh: "那是中文 Windows 的情况。Linux 上输出是 UTF-8:用 gbk 解码会得到乱码或报错。",
        },
        attempt: gbk,
    },
    Claim {
        id: "two-characters-six-bytes",
        articles: &[A4],
        statement: Words {
            en: "The two characters of \"ni hao\" are six bytes in UTF-8 and four in GBK: count bytes, not characters.",
            zh: "\"你好\"在 UTF-8 中是 6 个字节,在 GBK 中是 4 个:要数字节,不是数字符。",
        },
        expected: Expected::Holds,
        why: Words {
            en: "What is sent are bytes; a length in characters is too short for them.",
            zh: "发送的是字节;按字符数算长度就不够。",
        },
        attempt: characters,
    },
];

fn struct_sizes(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import struct
print(*(len(struct.pack('i', n)) - len(str(n)) for n in (7, 123456789)), struct.pack('i', 1).hex(), struct.pack('!I', 1).hex())";
    let said = ground.python(PROGRAM)?;
    let (grown, shrunk) = (said.starts_with("3 "), said.starts_with('-'));
    Ok(Found::sides(shrunk, grown, format!("4 B - len(str(n)), n = 7, 123456789; 'i' 1, '!I' 1: {said}")))
}

fn struct_limit(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import struct
def pack(form, n):
    try:
        return struct.pack(form, n).hex()
    except struct.error:
        return 'struct.error'
print(len(pack('i', 2**31 - 1)), pack('i', 2**31), pack('!I', 2**31))";
    let said = ground.python(PROGRAM)?;
    let fits = said.starts_with("8 ");
    let fails = said.ends_with("struct.error 80000000");
    Ok(Found::sides(fits, fails, format!("2^31 - 1, 'i' 2^31, '!I' 2^31: {said}")))
}

fn dispatch(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
class Server:
    def get(self): pass
    def shutdown(self): pass
server = Server()
print(*(name for name in ('get', 'nosuch', 'shutdown', '__init__') if hasattr(server, name)))";
    prints(ground, PROGRAM, "get", "get shutdown __init__")
}

fn gbk(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
import os, subprocess, tempfile
name = '\\u4f60\\u597d\\u5417'
folder = tempfile.mkdtemp()
os.mkdir(os.path.join(os.fsencode(folder), os.fsencode(name)))
output = subprocess.check_output(['ls', folder]).rstrip()
os.rmdir(os.path.join(os.fsencode(folder), os.fsencode(name)))
os.rmdir(folder)
def decoded(encoding):
    try:
        return 'same' if output.decode(encoding) == name else 'other'
    except UnicodeDecodeError:
        return 'UnicodeDecodeError'
print('gbk:', decoded('gbk'), 'utf-8:', decoded('utf-8'))";
    let said = ground.python(PROGRAM)?;
    let contrary = said.ends_with("utf-8: same") && !said.starts_with("gbk: same");
    Ok(Found::sides(said.starts_with("gbk: same"), contrary, format!("ls: {said}")))
}

fn characters(ground: Ground) -> Result<Found, Untried> {
    const PROGRAM: &str = "
text = '\\u4f60\\u597d'
print(len(text), len(text.encode('utf-8')), len(text.encode('gbk')))";
    let said = ground.python(PROGRAM)?;
    Ok(Found::whether(said == "2 6 4", format!("len, utf-8, gbk: {said}")))
}
