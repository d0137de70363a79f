//! `netlab explain`.

use nix::errno::Errno;

use super::{Context, Outcome};
use crate::bytes::{Escaped, did_you_mean, nearest};
use crate::capture::condition::{self, Listed};
use crate::dissect::sample;
use crate::kernel::{errno, settings, sysctl};
use crate::report::explain::{Answer, Explanation, Service};
use crate::report::{self, json};
use crate::transport::services::{self, Protocol};
use crate::transport::states::State;
use crate::transport::{glossary, tcp::Flags};

/// Explain an errno, a port, a header, a state or a sysctl
///
/// THING is an errno (ECONNREFUSED, 111, "Connection refused"), a port or service (80, http, 53/udp), a TCP flag (SYN), a
/// TCP state (TIME-WAIT), a header drawn bit by bit (tcp, udp, ipv4, ipv6, ethernet, arp, icmp …) or a kernel setting
/// (somaxconn), with its value here. A number may be both an errno and a port: both are shown.
///
/// `explain fields` lists the names that `capture --where` and `--fields` take, `explain fields tcp` those that begin so.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status 1: nothing goes by this name.\nExample: netlab explain ECONNREFUSED")]
pub struct Args {
    /// What to explain; several words are taken together
    #[arg(required = true, value_name = "THING")]
    words: Vec<String>,
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Outcome> {
        if let [first, rest @ ..] = self.words.as_slice()
            && first == "fields"
        {
            return fields(&rest.join(" "), context);
        }
        let thing = self.words.join(" ");
        let explanations = look_up(thing.trim());
        let suggestions = if explanations.is_empty() { suggest(&thing) } else { Vec::new() };
        let answer = Answer { thing, explanations, suggestions };
        if context.json {
            json::document(&mut context.out, &answer)?;
        } else {
            report::explain::answer(&mut context.out, context.palette, context.width, &answer)?;
        }
        if answer.explanations.is_empty() {
            context.note(unknown(&answer));
        }
        Ok((!answer.explanations.is_empty()).into())
    }
}

/// The names of fields that begin with `prefix`.
fn fields(prefix: &str, context: &mut Context) -> anyhow::Result<Outcome> {
    let fields: Vec<Listed> = condition::listed().into_iter().filter(|field| field.name.starts_with(prefix)).collect();
    if context.json {
        json::document(&mut context.out, &serde_json::json!({ "fields": &fields }))?;
    } else {
        report::fields::list(&mut context.out, context.palette, &fields)?;
    }
    if fields.is_empty() {
        let near = did_you_mean(&nearest(prefix, condition::names(), SUGGESTIONS));
        let hint = near.map_or_else(String::new, |question| format!("\nhint: {question}"));
        context.note(format!("no field's name begins with {}{hint}", Escaped(prefix.as_bytes())));
    }
    Ok((!fields.is_empty()).into())
}

fn unknown(answer: &Answer) -> String {
    let shown: String = answer.thing.chars().take(60).collect();
    let hint = did_you_mean(&answer.suggestions).unwrap_or_else(|| {
        "an errno, a port or service, a TCP flag or state, a header or a sysctl can be explained".to_owned()
    });
    format!("nothing goes by the name {}\nhint: {hint}", Escaped(shown.as_bytes()))
}

/// Everything that goes by this name or number.
fn look_up(thing: &str) -> Vec<Explanation> {
    let mut found = Vec::new();
    found.extend(sample::shape(thing).map(Explanation::Header));
    let errno = errno::find(thing);
    found.extend(errno.filter(|errno| errno::lore(*errno).is_some()).map(explain_errno));
    found.extend(glossary::flag(thing).map(explain_flag));
    found.extend(state(thing).map(explain_state));
    found.extend(setting(thing));
    found.extend(ports(thing).into_iter().map(explain_port));
    // Who asks for 80 means the port, not an errno of shared libraries.
    found.extend(errno.filter(|errno| errno::lore(*errno).is_none()).map(explain_errno));
    found
}

fn explain_errno(errno: Errno) -> Explanation {
    let lore = errno::lore(errno);
    Explanation::Errno {
        name: errno::name(errno),
        number: errno as i32,
        words: errno.desc(),
        meaning: lore.map(|lore| lore.meaning),
        calls: lore.map(|lore| lore.calls),
        cause: lore.map(|lore| lore.cause),
        cure: lore.map(|lore| lore.cure),
    }
}

fn explain_flag(flag: &glossary::Flag) -> Explanation {
    let glossary::Flag { name, long, bit: Flags(bit), meaning, reference } = *flag;
    Explanation::Flag { name, long, bit, meaning, reference }
}

/// A state by RFC 9293's name or the kernel's.
fn state(thing: &str) -> Option<State> {
    let by_kernel = || State::ALL.into_iter().find(|state| glossary::kernel_name(*state).eq_ignore_ascii_case(thing));
    State::from_name(thing).or_else(by_kernel)
}

fn explain_state(state: State) -> Explanation {
    let glossary::Standing { meaning, lasts, many } = glossary::standing(state);
    Explanation::State {
        name: state.name(),
        kernel_name: glossary::kernel_name(state),
        kernel_numbers: state.kernel_numbers(),
        meaning,
        lasts,
        many,
    }
}

/// A setting that is explained, or any other below net that this kernel has.
fn setting(thing: &str) -> Option<Explanation> {
    let known = settings::find(thing);
    let name = known.map_or(thing, |setting| setting.name);
    let is_setting = known.is_some() || name.starts_with("net.") || name.starts_with("net/");
    let value = is_setting.then(|| sysctl::read(name).ok()).flatten();
    (known.is_some() || value.is_some()).then(|| Explanation::Setting {
        name: name.to_owned(),
        value,
        removed: known.and_then(|setting| setting.removed),
        does: known.map(|setting| setting.does),
        myth: known.and_then(|setting| setting.myth),
    })
}

/// The ports that `80`, `80/tcp`, `tcp/80` or a service's name mean.
fn ports(thing: &str) -> Vec<u16> {
    let lower = thing.to_ascii_lowercase();
    let bare = ["/tcp", "/udp"].iter().find_map(|end| lower.strip_suffix(end));
    let bare = bare.or_else(|| ["tcp/", "udp/"].iter().find_map(|start| lower.strip_prefix(start))).unwrap_or(&lower);
    if let Ok(port) = bare.parse::<u16>() {
        return if bare.starts_with('+') { Vec::new() } else { vec![port] };
    }
    let mut ports: Vec<u16> = [Protocol::Tcp, Protocol::Udp].iter().filter_map(|p| services::port(bare, *p)).collect();
    ports.dedup();
    ports
}

fn explain_port(port: u16) -> Explanation {
    let service = |protocol| services::name(port, protocol).map(|name| Service { protocol, name });
    let first_free = sysctl::read("net.ipv4.ip_unprivileged_port_start").ok().and_then(|text| text.parse::<u16>().ok());
    Explanation::Port {
        port,
        services: [Protocol::Tcp, Protocol::Udp].into_iter().filter_map(service).collect(),
        range: port.into(),
        needs_privilege: first_free.map(|first| port < first),
        ephemeral: local_ports().map(|(first, last)| (first..=last).contains(&port)),
    }
}

/// First and last port that this kernel gives to outgoing connections.
fn local_ports() -> Option<(u16, u16)> {
    let text = sysctl::read("net.ipv4.ip_local_port_range").ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    Some((ports.next()?.ok()?, ports.next()?.ok()?))
}

/// Most names that are suggested.
const SUGGESTIONS: usize = 3;

/// Known names that differ from `thing` in few letters.
fn suggest(thing: &str) -> Vec<String> {
    let names = errno::all().map(errno::name);
    let names = names.chain(settings::all().iter().map(|setting| setting.short().to_owned()));
    let names = names.chain(glossary::FLAGS.iter().map(|flag| flag.name.to_owned()));
    let names = names.chain(State::ALL.iter().map(|state| state.name().to_owned()));
    let services = [Protocol::Tcp, Protocol::Udp]
        .into_iter()
        .flat_map(|protocol| services::known(protocol).filter_map(move |port| services::name(port, protocol)));
    let names = names.chain(sample::keys().chain(services).map(str::to_owned));
    nearest(thing, names, SUGGESTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_an_errno_and_a_port() {
        let kinds: Vec<&str> = look_up("22")
            .iter()
            .map(|found| match found {
                Explanation::Errno { .. } => "errno",
                Explanation::Port { .. } => "port",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["errno", "port"]);
        assert_eq!(ports("53/udp"), [53]);
        assert!(ports("65536").is_empty());
        assert!(ports("+80").is_empty());
    }
}
