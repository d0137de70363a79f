//! A filter for frames from anywhere: one program for each link type that turns up.

use super::{Error, LinkType, Metadata, Options, Program, compile};
use crate::capture::Frame;
use crate::link::received::Way;

/// Decides which frames match an expression.
#[derive(Clone, Debug)]
pub struct Matcher {
    expression: String,
    options: Options,
    programs: Vec<(LinkType, Program)>,
}

impl Matcher {
    /// Takes an expression for frames that hold everything that was on the wire.
    ///
    /// # Errors
    /// What is wrong with the expression. What a single link type has no answer to is found out when such a frame comes.
    pub fn new(expression: &str, options: Options) -> Result<Self, Error> {
        // What neither of these can be asked is a mistake; some words are for one of them only.
        let usual = [LinkType::Ethernet, LinkType::LinuxSll2].map(|link| (link, compile(expression, link, options)));
        if let [(_, Err(error)), (_, Err(_))] = usual {
            return Err(error);
        }
        let programs = usual.into_iter().filter_map(|(link, result)| Some((link, result.ok()?))).collect();
        Ok(Matcher { expression: expression.to_owned(), options, programs })
    }

    /// What it was made from, for [`Error::render`].
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Whether `frame` matches.
    ///
    /// # Errors
    /// The expression asks what frames of this link type do not tell.
    pub fn matches(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        let known =
            Metadata { packet_type: frame.way.map(Way::packet_type), ..Metadata::of_length(frame.original_length) };
        if let Some((_, program)) = self.programs.iter().find(|(link, _)| *link == frame.link) {
            return Ok(program.run(frame.bytes, &known) != 0);
        }
        let program = compile(&self.expression, frame.link, self.options)?;
        let verdict = program.run(frame.bytes, &known) != 0;
        self.programs.push((frame.link, program));
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::filter::Source;

    fn frame(link: LinkType, bytes: &[u8], way: Option<Way>) -> Frame<'_> {
        let original_length = bytes.len() as u32;
        Frame { time: None, interface: "", way, link, bytes, original_length, checksum_pending: false, comment: "" }
    }

    #[test]
    fn each_link_type_gets_its_own_program() {
        let mut matcher = Matcher::new("ip", Options::new(Source::Stored)).unwrap();
        let packet = [0x45; 20];
        let ethernet = [&[0; 12][..], &[8, 0], &packet].concat();
        assert!(matcher.matches(&frame(LinkType::Ethernet, &ethernet, None)).unwrap());
        assert!(matcher.matches(&frame(LinkType::RawIp, &packet, None)).unwrap());
        assert!(!matcher.matches(&frame(LinkType::Ethernet, &packet, None)).unwrap());
        assert!(matcher.matches(&frame(LinkType::Unknown(147), &packet, None)).is_err());
    }

    #[test]
    fn the_direction_is_known_where_the_file_tells_it() {
        let mut matcher = Matcher::new("outbound", Options::new(Source::Stored)).unwrap();
        let verdict = |matcher: &mut Matcher, way| matcher.matches(&frame(LinkType::Ethernet, &[0; 14], way)).unwrap();
        assert!(verdict(&mut matcher, Some(Way::Out)) && !verdict(&mut matcher, Some(Way::In)));
        assert!(!verdict(&mut matcher, None));
    }
}
