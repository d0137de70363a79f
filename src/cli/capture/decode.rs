//! `netlab capture --decode`: what ports carry, where it is not the usual.

use crate::bytes::{did_you_mean, nearest};
use crate::capture::Dissector;
use crate::dissect::Ports;
use crate::dissect::ports::{Application, Choice};
use crate::transport::services::Protocol;

/// What stands for nothing to be read.
const NONE: &str = "none";

/// What ports carry.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Decoding {
    /// Read what this port carries as another protocol than the usual: dns, mdns, llmnr, dhcp, ntp, tls, http, ssh, nlf, or
    /// none to leave it as bytes (8443=tls, tcp/8080=none, udp/5300=dns); several times for several ports
    #[arg(long = "decode", value_name = "PORT=PROTOCOL", value_parser = choice, conflicts_with = "program")]
    choices: Vec<Choice>,
}

impl Decoding {
    /// The dissector, which reads what was chosen.
    pub(super) fn with(&self, dissector: Dissector) -> Dissector {
        dissector.decoding(Ports(self.choices.clone()))
    }
}

/// Reads a choice: `8443=tls`, `udp/5300=dns`.
fn choice(text: &str) -> Result<Choice, String> {
    let (port, name) =
        text.split_once('=').ok_or("a port and a protocol are needed, such as 8443=tls or udp/5300=dns")?;
    let (transport, port) = match port.split_once('/') {
        None => (None, port),
        Some(("tcp", port)) => (Some(Protocol::Tcp), port),
        Some(("udp", port)) => (Some(Protocol::Udp), port),
        Some((other, _)) => return Err(format!("`{other}` is no transport with ports that is read here: tcp or udp")),
    };
    let port = port.parse().map_err(|_| format!("`{port}` is no port: 0 to 65535"))?;
    let application = if name == NONE { None } else { Some(application(name)?) };
    if let (Some(application), Some(transport)) = (application, transport)
        && !application.is_over(transport)
    {
        let other = if transport == Protocol::Tcp { Protocol::Udp } else { Protocol::Tcp };
        return Err(format!("{name} is read over {other} only"));
    }
    Ok(Choice { transport, port, application })
}

fn application(name: &str) -> Result<Application, String> {
    let all = || Application::ALL.into_iter().map(Application::name);
    Application::ALL.into_iter().find(|application| application.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let near = did_you_mean(&nearest(name, all().map(str::to_owned), 1));
        let hint = near.map_or(String::new(), |near| format!("\nhint: {near}"));
        let known = all().collect::<Vec<_>>().join(", ");
        format!("`{name}` is no protocol that is read; {known} are, and {NONE} is none{hint}")
    })
}
