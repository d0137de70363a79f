//! The fixed phrases of labs, in every language.

use crate::lab::experiment::Lab;
use crate::lab::fate::Told;
use crate::lab::observation::{Language, Observation, Words};

/// What stands above a ladder and what explains it.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// One line.
    pub title: &'a str,
    /// What a teacher would say.
    pub explanation: &'a str,
}

impl Heading<'_> {
    /// That of a lab.
    pub fn of(lab: &Lab, language: Language) -> Self {
        Heading { title: lab.title.get(language), explanation: lab.explanation.get(language) }
    }
}

/// Above the teacher's text.
pub const EXPLANATION: Words = Words { en: "What happens here", zh: "说明" };
/// Above the verdict.
pub const VERDICT: Words = Words { en: "What was seen", zh: "观察结果" };
/// Of a lab that waited in vain: what should have happened.
pub const CAME: Words = Words { en: "what the lab waited for happened", zh: "实验所等待的事情发生了" };
/// Of a lab that somebody left: what should have happened.
pub const ENDED: Words = Words { en: "the lab ran to its end", zh: "实验运行到结束" };
/// For a socket that is gone.
pub const CLOSED: &str = "CLOSED";
/// Where frames are left out of a ladder.
pub fn gap(frames: u64, language: Language) -> String {
    match language {
        Language::English if frames == 1 => "… 1 frame not shown".to_owned(),
        Language::English => format!("… {frames} frames not shown"),
        Language::Chinese => format!("… {frames} 个帧未显示"),
    }
}

/// Behind a number of frames.
const NOT_KEPT: Words = Words { en: "more frames were counted and not kept", zh: "个其他帧只计数,未保留" };
/// Behind a number of frames that were lost before the wire saw them.
const MISSED: Words = Words {
    en: "frames were lost before the wire saw them: this machine was too busy, and what was seen may not hold",
    zh: "个帧在到达线路之前丢失:本机过于繁忙,观察结果可能不可靠",
};
/// What is to be said below the verdict about frames that the observation does not hold.
pub fn remarks(observation: &Observation, language: Language) -> Vec<String> {
    let counts = [(observation.frames_not_kept, NOT_KEPT), (observation.wire.missed, MISSED)];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, words)| format!("{count} {}", words.get(language))).collect()
}

/// Floors of `lab list`, in the order of the layers.
pub const FLOORS: [Words; 4] = [
    Words { en: "Link: frames on one wire", zh: "链路层:一条线路上的帧" },
    Words { en: "Internet: datagrams between networks", zh: "网络层:网络之间的数据报" },
    Words { en: "Transport: ports and connections", zh: "传输层:端口与连接" },
    Words { en: "Application: messages between programs", zh: "应用层:程序之间的消息" },
];

/// What the wire did to a frame; empty where it simply passed on.
pub const fn fate(told: Told) -> Words {
    match told {
        Told::Forwarded => Words { en: "", zh: "" },
        Told::Delayed => Words { en: "on its way", zh: "在途中" },
        Told::Released => Words { en: "arrives", zh: "到达" },
        Told::Dropped => Words { en: "lost", zh: "丢失" },
        Told::Duplicated => Words { en: "twice", zh: "两次" },
        Told::Corrupted => Words { en: "a bit turned over", zh: "一位翻转" },
        Told::Held => Words { en: "held", zh: "被扣住" },
        Told::Swapped => Words { en: "the next one passes it", zh: "被下一帧超过" },
        Told::Overflowed => Words { en: "queue full, lost", zh: "队列已满,丢失" },
        Told::Cut => Words { en: "wire cut, lost", zh: "线路断开,丢失" },
        Told::Suppressed => Words { en: "repeat left out", zh: "重传,略去" },
    }
}

/// The phrases of the HTML page.
pub mod page {
    use serde::Serialize;

    use crate::lab::observation::{Language, Words};

    /// Names the button between light and dark.
    pub const THEME: Words = Words { en: "Light or dark", zh: "浅色或深色" };
    /// Names the part of the page with the states.
    pub const NOW: Words = Words { en: "This step", zh: "当前步骤" };
    /// Names the buttons.
    pub const STEPS: Words = Words { en: "Steps", zh: "步骤" };
    /// A button.
    pub const FIRST: Words = Words { en: "To the start", zh: "回到开头" };
    /// A button.
    pub const PREVIOUS: Words = Words { en: "Step back", zh: "上一步" };
    /// A button.
    pub const NEXT: Words = Words { en: "Step on", zh: "下一步" };
    /// A button.
    pub const LAST: Words = Words { en: "To the end", zh: "到末尾" };
    /// What is said before the first step.
    pub const KEYS: Words = Words {
        en: "Press the right arrow key, or choose a step, and see what each end knows.",
        zh: "按右方向键或选择一个步骤,看两端各自的状态。",
    };
    /// Names the ladder.
    pub const LADDER: Words = Words { en: "What happened", zh: "经过" };
    /// Above the headers.
    pub const HEADERS: Words = Words { en: "The frame, bit by bit", zh: "逐位查看帧" };
    /// Before a field is chosen.
    pub const CHOOSE: Words = Words {
        en: "Point at a field, or move to it with Tab.",
        zh: "指向一个字段,或用 Tab 键移动到它。",
    };
    /// Of a step without a frame.
    pub const NO_FRAME: Words = Words { en: "No frame at this step.", zh: "这一步没有帧。" };
    /// Unit.
    pub const BYTES: Words = Words { en: "bytes", zh: "字节" };
    /// Unit.
    pub const BITS: Words = Words { en: "bits", zh: "位" };
    /// Unit.
    pub const BIT: Words = Words { en: "bit", zh: "第" };
    /// Without JavaScript.
    pub const NO_SCRIPT: Words = Words {
        en: "Without JavaScript the ladder above is complete; only stepping and the headers are missing.",
        zh: "没有 JavaScript 时上面的图是完整的,只缺少单步和报头。",
    };
    /// A finding that was seen.
    pub const YES: Words = Words { en: "seen", zh: "已观察到" };
    /// A finding that was not.
    pub const NO: Words = Words { en: "not seen", zh: "未观察到" };

    /// What the script says.
    #[derive(Clone, Copy, Debug, Serialize)]
    pub struct Script {
        no_frame: &'static str,
        choose: &'static str,
        keys: &'static str,
        bytes: &'static str,
        bits: &'static str,
        bit: &'static str,
    }

    /// The script's phrases in `language`.
    pub const fn for_script(language: Language) -> Script {
        Script {
            no_frame: NO_FRAME.get(language),
            choose: CHOOSE.get(language),
            keys: KEYS.get(language),
            bytes: BYTES.get(language),
            bits: BITS.get(language),
            bit: BIT.get(language),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_there_in_both_languages() {
        let fates = [Told::Delayed, Told::Released, Told::Dropped, Told::Duplicated, Told::Corrupted, Told::Held];
        let phrases = [EXPLANATION, VERDICT, CAME, ENDED, NOT_KEPT, MISSED].into_iter().chain(FLOORS);
        let others = [Told::Suppressed, Told::Swapped, Told::Overflowed, Told::Cut];
        for words in phrases.chain(fates.map(fate)).chain(others.map(fate)) {
            assert!(!words.en.is_empty() && words.en.is_ascii(), "{words:?}");
            assert!(!words.zh.is_ascii(), "{words:?}");
        }
    }
}
