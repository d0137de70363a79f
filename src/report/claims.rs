//! Statements and what came of them.

use std::io::{self, Write};

use serde::Serialize;

use super::palette::Ink;
use super::paragraph::Paragraph;
use super::{Palette, json, lab_words};
use crate::bytes::Escaped;
use crate::lab::claims::{Article, Claim, Expected, Judged, Verdict};
use crate::lab::experiment::Floor;
use crate::lab::observation::{Language, Words};

/// In front of a statement.
const fn lead(verdict: Verdict) -> Words {
    match verdict {
        Verdict::Holds => Words { en: "✔ holds       ", zh: "✔ 成立    " },
        Verdict::HoldsWhen => Words { en: "◐ holds when  ", zh: "◐ 有条件  " },
        Verdict::Refuted => Words { en: "✘ refuted     ", zh: "✘ 不成立  " },
        Verdict::Unclear => Words { en: "? unclear     ", zh: "? 不明    " },
        Verdict::NotTried => Words { en: "- not tried   ", zh: "- 未试    " },
    }
}

const fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Holds => Ink::Good,
        Verdict::HoldsWhen => Ink::Warn,
        Verdict::Refuted | Verdict::Unclear => Ink::Bad,
        Verdict::NotTried => Ink::Faint,
    }
}

/// In front of the condition.
const WHEN: Words = Words { en: "   when       ", zh: "   条件   " };
/// In front of what was measured.
const MEASURED: Words = Words { en: "   measured   ", zh: "   实测   " };
/// In front of the reason for no verdict.
const REASON: Words = Words { en: "   why not    ", zh: "   原因   " };
/// In front of the explanation.
const WHY: Words = Words { en: "   why        ", zh: "   说明   " };
/// In front of the articles and the name.
const FROM: Words = Words { en: "   from       ", zh: "   出处   " };
/// Under a verdict that the texts do not explain.
const UNEXPECTED: Words = Words {
    en: "This kernel does not do what the texts explain.",
    zh: "本机内核的行为与文字说明不符。",
};

/// Writes every statement with its verdict, by layer, and the sum.
///
/// # Errors
/// What the writer refused.
pub fn all(
    out: &mut (impl Write + ?Sized),
    judged: &[Judged],
    explain: bool,
    language: Language,
    palette: Palette,
    width: u16,
) -> io::Result<()> {
    let mut floor = None;
    for judged in judged {
        if floor.replace(judged.floor) != Some(judged.floor) {
            heading(out, judged.floor, language, palette)?;
        }
        one(out, judged, explain, language, palette, width)?;
        writeln!(out)?;
    }
    sum(out, judged, language, palette)
}

fn heading(out: &mut (impl Write + ?Sized), floor: Floor, language: Language, palette: Palette) -> io::Result<()> {
    let words = lab_words::FLOORS[floor as usize].get(language);
    writeln!(out, "{}\n", palette.paint(Ink::Strong, words))
}

fn one(
    out: &mut (impl Write + ?Sized),
    judged: &Judged,
    explain: bool,
    language: Language,
    palette: Palette,
    width: u16,
) -> io::Result<()> {
    let Judged { claim, verdict, measured, reason, .. } = judged;
    let mut write = |lead: Words, lead_ink, text: &str, ink| {
        Paragraph { lead: lead.get(language), lead_ink, text, ink }.write(out, palette, Some(width))
    };
    write(lead(*verdict), ink(*verdict), claim.statement.get(language), None)?;
    if let (Verdict::HoldsWhen, Expected::HoldsWhen(condition)) = (verdict, claim.expected) {
        write(WHEN, Ink::Warn, condition.get(language), None)?;
    }
    if !measured.is_empty() {
        write(MEASURED, Ink::Faint, &Escaped(measured.as_bytes()).to_string(), None)?;
    }
    if let Some(reason) = reason {
        write(REASON, Ink::Faint, &Escaped(reason.as_bytes()).to_string(), None)?;
    }
    if !judged.as_explained() {
        write(WHY, Ink::Bad, UNEXPECTED.get(language), Some(Ink::Bad))?;
    }
    if explain {
        write(WHY, Ink::Faint, claim.why.get(language), Some(Ink::Faint))?;
    }
    let from = format!("{}  {}", articles(claim), claim.id);
    write(FROM, Ink::Faint, &from, Some(Ink::Faint))
}

fn articles(claim: &Claim) -> String {
    claim.articles.iter().map(|article| format!("{article:?}")).collect::<Vec<_>>().join(" ")
}

/// `63 statements: 24 hold, 9 hold under a condition, 30 refuted`.
fn sum(out: &mut (impl Write + ?Sized), judged: &[Judged], language: Language, palette: Palette) -> io::Result<()> {
    let parts = [
        (Verdict::Holds, Words { en: "hold", zh: "条成立" }),
        (Verdict::HoldsWhen, Words { en: "hold under a condition", zh: "条有条件地成立" }),
        (Verdict::Refuted, Words { en: "refuted", zh: "条不成立" }),
        (Verdict::Unclear, Words { en: "unclear", zh: "条不明" }),
        (Verdict::NotTried, Words { en: "not tried", zh: "条未试" }),
    ];
    let counted = parts.map(|(verdict, words)| {
        let count = judged.iter().filter(|judged| judged.verdict == verdict).count();
        (count > 0).then(|| match language {
            Language::English => format!("{count} {}", words.en),
            Language::Chinese => format!("{count} {}", words.zh),
        })
    });
    let counted = counted.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let total = match language {
        Language::English => format!("{} statements: {counted}", judged.len()),
        Language::Chinese => format!("共 {} 条: {counted}", judged.len()),
    };
    writeln!(out, "{}", palette.paint(Ink::Strong, total))
}

/// Writes the statements alone.
///
/// # Errors
/// What the writer refused.
pub fn list(
    out: &mut (impl Write + ?Sized),
    claims: &[(Floor, &Claim)],
    language: Language,
    palette: Palette,
    width: u16,
) -> io::Result<()> {
    let names = claims.iter().map(|(_, claim)| claim.id.len()).max().unwrap_or(0);
    let sources = claims.iter().map(|(_, claim)| articles(claim).len()).max().unwrap_or(0);
    let mut floor = None;
    for (of, claim) in claims {
        if floor.replace(*of).is_some_and(|before| before != *of) {
            writeln!(out)?;
        }
        let lead = format!("{:<names$}  {:<sources$}  ", claim.id, articles(claim));
        let text = claim.statement.get(language);
        Paragraph { lead: &lead, lead_ink: Ink::Strong, text, ink: None }.write(out, palette, Some(width))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Document<'a> {
    claims: Vec<Row<'a>>,
    as_explained: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'static str,
    article: Article,
    also: &'a [Article],
    layer: Floor,
    statement: Words,
    verdict: Verdict,
    condition: Option<Words>,
    measured: &'a str,
    reason: Option<&'a str>,
    explanation: Words,
    as_explained: bool,
    duration_ms: u64,
}

/// Writes everything as one JSON document, the same in every language: texts are given in all of them.
///
/// # Errors
/// What the writer refused.
pub fn document(out: &mut (impl Write + ?Sized), judged: &[Judged]) -> io::Result<()> {
    let rows = judged.iter().filter_map(|judged| {
        let claim = judged.claim;
        let (article, also) = claim.articles.split_first()?;
        let condition = match (judged.verdict, claim.expected) {
            (Verdict::HoldsWhen, Expected::HoldsWhen(condition)) => Some(condition),
            _ => None,
        };
        Some(Row {
            id: claim.id,
            article: *article,
            also,
            layer: judged.floor,
            statement: claim.statement,
            verdict: judged.verdict,
            condition,
            measured: &judged.measured,
            reason: judged.reason.as_deref(),
            explanation: claim.why,
            as_explained: judged.as_explained(),
            duration_ms: u64::try_from(judged.duration.as_millis()).unwrap_or(u64::MAX),
        })
    });
    let document = Document { claims: rows.collect(), as_explained: judged.iter().all(Judged::as_explained) };
    json::document(out, &document)
}
