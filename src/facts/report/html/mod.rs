//! Results as a page: one file that needs no other and no network, for a screen of any width, light or dark, and for
//! paper.

mod campaign;
mod table;

use std::fmt::Write;

use super::chart::{Share, escape, shares};
use super::{Origin, Report, comparison, words};
use crate::campaign::Start;

/// The style sheet, which stands in the page.
const STYLE: &str = include_str!("page.css");

/// A page about campaigns, each with the name of its row: of one all there is to show, of several first the study's
/// tables side by side.
pub fn html(campaigns: &[(&str, &Origin, &Report)]) -> String {
    let mut page = String::new();
    let title = match campaigns {
        [(name, ..)] => (*name).to_owned(),
        several => format!("{} side by side", words::counted(several.len(), "campaign")),
    };
    let title = escape(&title);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Faultscope</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    match campaigns {
        [(_, origin, report)] => {
            let _ = write!(page, "<header><p class=\"eyebrow\">Fault injection report</p><h1>{title}</h1>");
            campaign::lead(&mut page, origin, report);
            page += "</header>\n<main>\n";
            campaign::body(&mut page, origin, report);
        }
        several => {
            let _ = write!(
                page,
                "<header><p class=\"eyebrow\">Fault injection report</p><h1>{title}</h1><p class=\"lead\">"
            );
            for (index, (name, ..)) in several.iter().enumerate() {
                let separator = if index > 0 { " · " } else { "" };
                let _ = write!(page, "{separator}<a href=\"#campaign-{index}\">{}</a>", escape(name));
            }
            page += "</p></header>\n<main>\n";
            side_by_side(&mut page, several);
            for (index, (name, origin, report)) in several.iter().enumerate() {
                let _ = write!(
                    page,
                    "<article class=\"campaign\" id=\"campaign-{index}\"><header><h2>{}</h2>",
                    escape(name)
                );
                campaign::lead(&mut page, origin, report);
                page += "</header>\n";
                campaign::body(&mut page, origin, report);
                page += "</article>\n";
            }
        }
    }
    let _ = write!(
        page,
        "</main>\n<footer><p>Made by Faultscope {}. Shares come with their 95 % interval (Wilson 1927), ratios of shares \
         with a score interval (Koopman 1984); both take faults as independent of each other. Columns, bars and cells say \
         their numbers when pointed at.</p></footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    page
}

/// The golden runs' SCM share against that of the faults, and the study's tables.
fn side_by_side(page: &mut String, campaigns: &[(&str, &Origin, &Report)]) {
    let mut rows = Vec::new();
    for (name, _, report) in campaigns {
        let golden = report.summary.golden.scm.map(|rate| (format!("{name}: golden errors"), "golden", rate));
        let faults = report.starts().iter().find(|set| set.start == Start::Correct);
        let faults = faults.and_then(|set| set.faults.scm_of_sdc);
        let faults = faults.map(|rate| (format!("{name}: SDCs in correct images"), "scm", rate));
        rows.extend([golden, faults].into_iter().flatten());
    }
    let rows: Vec<_> = rows.into_iter().map(|(name, class, rate)| Share { name, class, rate }).collect();
    if !rows.is_empty() {
        page.push_str("<section><h2>How much of the errors is safety-critical</h2>");
        page.push_str(&shares("Share of SCM among golden errors and among SDCs, by model", &rows));
        page.push_str(campaign::SHARES_LEGEND);
        page.push_str("</section>\n");
    }
    let rows: Vec<_> = campaigns.iter().map(|(name, _, report)| ((*name).to_owned(), *report)).collect();
    for table in comparison(&rows) {
        page.push_str("<section>");
        table::write(page, "h2", &table);
        page.push_str("</section>\n");
    }
}

#[cfg(test)]
mod tests;
