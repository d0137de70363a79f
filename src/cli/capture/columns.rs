//! Chosen fields of each packet, in columns.

use crate::capture::condition::Place;
use crate::report::columns::{self, Style};
use crate::report::text::Text;

/// Which fields are wanted, and how.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Columns {
    /// Show these fields of each packet in columns with tabs between, several values of one with commas; names as in
    /// --where, and what `netlab explain fields` lists
    #[arg(long = "fields", value_name = "NAME,…", value_delimiter = ',', value_parser = place,
          conflicts_with_all = ["quiet", "verbose", "hex", "ascii"])]
    places: Vec<Place>,
    /// With --fields: comma-separated values with a line of names first, quoted where they have to be (RFC 4180)
    #[arg(long, requires = "places")]
    csv: bool,
}

impl Columns {
    pub(super) fn wanted(&self) -> bool {
        !self.places.is_empty()
    }

    /// Whether any of them takes the analysis of conversations.
    pub(super) fn are_analysed(&self) -> bool {
        self.places.iter().any(|place| place.is_analysed)
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.places.clone()
    }

    pub(super) fn style(&self) -> Style {
        if self.csv { Style::Csv } else { Style::Tabs }
    }

    /// What stands before the first packet.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut text = Text::default();
        if self.csv {
            columns::names(&mut text, &self.places);
        }
        text.into_bytes()
    }
}

/// Reads the name of a field.
fn place(text: &str) -> Result<Place, String> {
    Place::of(text, 0..text.len()).map_err(|error| error.render(text).to_string())
}
