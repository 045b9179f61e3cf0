//! Addresses of the site's models. The list is a [`Catalogue`](facts::catalogue::Catalogue), which `faultscope fetch` writes.

use facts::catalogue::CatalogueEntry;
use protocol::FileRef;

/// Where the list is, relative to the page.
pub const INDEX_URL: &str = "models/index.json";

/// The model file of `entry`.
pub fn model(entry: &CatalogueEntry) -> FileRef {
    file(entry, &entry.file)
}

/// The name of the file at `path`.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The file at `path` in the folder of `entry`.
pub fn file(entry: &CatalogueEntry, path: &str) -> FileRef {
    FileRef { name: name(path).to_owned(), url: format!("models/{}/{path}", entry.id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facts::catalogue::Catalogue;

    #[test]
    fn files_are_relative_to_the_page() {
        let json = r#"{"models":[{"id":"net","name":"Net","file":"model.bpk","samples":[{"file":"samples/a.jpg"}]}]}"#;
        let catalogue: Catalogue = serde_json::from_str(json).expect("the format of the list");
        let entry = &catalogue.models[0];
        assert_eq!(model(entry).url, "models/net/model.bpk");
        let sample = file(entry, &entry.samples[0].file);
        assert_eq!((sample.name.as_str(), sample.url.as_str()), ("a.jpg", "models/net/samples/a.jpg"));
    }
}
