//! The protection of one fault in a link, and the protections on offer for it.

use facts::campaign::compared::{Kind, Method};
use facts::{Name, Named};

use super::fields::name;

/// The protections on offer for a fault in `layer`, each with its name and an explanation: all that there are. One that is for
/// named layers is in that layer.
pub fn on_one_fault(layer: Option<&str>) -> impl Iterator<Item = (Method, &'static Name)> {
    // A name in quotes, with its own quotes doubled, is one name whatever is in it.
    let quoted = layer.map(|layer| format!("\"{}\"", layer.replace('"', "\"\"")));
    Kind::ALL.iter().filter_map(move |(_, row)| {
        let in_layer = || format!("{}:{}", row.name, quoted.as_ref()?).parse().ok();
        Some((row.name.parse().ok().or_else(in_layer)?, row))
    })
}

/// Reads a protection, as `--protect` does.
pub(super) fn protection(text: &str) -> Result<Method, String> {
    let read = |text: &str| name(text)?.parse::<Method>().map_err(|error| error.to_string());
    let method = read(text)?;
    // A number of hundreds of digits would be written as something that is not read again.
    if read(&method.to_string()).as_ref() != Ok(&method) {
        return Err("a protection with plainer options is expected".to_owned());
    }
    Ok(method)
}

/// The protection where a link names none.
pub(super) fn usual() -> Method {
    "range".parse().expect("range clipping needs no options")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Link, offered};

    #[test]
    fn every_protection_is_on_offer_and_survives_the_link() {
        let names = |layer| on_one_fault(layer).map(|(method, _)| method.to_string()).collect::<Vec<_>>();
        let all = names(Some("conv,1"));
        assert_eq!(all.len(), Kind::ALL.len());
        assert!(all.contains(&"tmr:\"conv,1\"".to_owned()) && all.contains(&"secded".to_owned()), "{all:?}");
        let known = names(None);
        assert!(!known.iter().any(|name| name.starts_with("duplicate")), "{known:?}");
        assert!(offered().all(|(method, _)| known.contains(&method.to_string())), "those of campaigns are among them");
        for (method, _) in on_one_fault(Some("conv,1")) {
            let link = Link { protect: true, protection: Some(method), ..Link::default() };
            assert_eq!(Link::parse(&link.to_hash()), (link, Vec::new()));
        }
    }

    #[test]
    fn a_link_without_a_name_means_range_clipping() {
        let (link, problems) = Link::parse("protect=1");
        assert_eq!((link.protection().to_string().as_str(), problems.len()), ("range", 0));
        let (link, problems) = Link::parse("protect=1&protection=rangr");
        assert!(link.protect && link.protection.is_none());
        assert!(problems[0].contains("no protection \"rangr\"; known: range, ranger"), "{problems:?}");
        let (link, problems) = Link::parse("protection=top-2-margin:1e300");
        assert!(link.protection.is_none() && problems[0].contains("plainer options"), "{problems:?}");
        let (link, _) = Link::parse("protection=ranger:channel,percentile=99.9");
        assert_eq!(link.protection().to_string(), "ranger:channel,percentile=99.9");
    }
}
