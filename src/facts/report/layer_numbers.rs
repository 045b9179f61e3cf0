//! Numbers of layers from a file of the user's: CSV with a column `layer`, or JSON.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Error, Result};

/// Most layers that are read.
const MOST: usize = 100_000;

/// A number for each of some layers.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNumbers {
    /// The meaning of the numbers: the column's name, or the file's.
    pub name: String,
    /// Layers' names with their numbers, in the order of the file.
    pub numbers: Vec<(String, f64)>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    /// Node data of Model Explorer for one graph.
    Graph(Graph),
    /// Node data of Model Explorer for several graphs.
    Graphs(BTreeMap<String, Graph>),
    /// A number for each name.
    Flat(BTreeMap<String, f64>),
}

#[derive(Deserialize)]
struct Graph {
    name: Option<String>,
    results: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Object { value: f64 },
    Bare(f64),
}

impl LayerNumbers {
    /// Returns whether `text`, the contents of the file `name`, are meant as numbers of layers.
    pub fn is_meant(name: &str, text: &str) -> bool {
        if is_json(name) {
            serde_json::from_str::<Json>(text).is_ok()
        } else {
            table(name, text).headers().is_ok_and(|head| head.iter().any(is_layer))
        }
    }

    /// Reads `text`, the contents of the file `name`.
    ///
    /// # Errors
    /// If the file has no column of layers or no numbers; the error says what was expected.
    pub fn read(name: &str, text: &str) -> Result<Self> {
        let read = if is_json(name) { json(name, text) } else { csv(name, text) }?;
        match read.numbers.len() {
            0 => Err(Error::input(name, "there is no number of a layer in it")),
            found if found > MOST => {
                Err(Error::input(name, format_args!("{found} layers are too many; at most {MOST}")))
            }
            _ => Ok(read),
        }
    }
}

fn is_json(name: &str) -> bool {
    name.to_lowercase().ends_with(".json")
}

fn is_layer(cell: &str) -> bool {
    ["layer", "node"].contains(&cell.trim().to_lowercase().as_str())
}

fn json(name: &str, text: &str) -> Result<LayerNumbers> {
    let of_graph = |graph: Graph| {
        let number = |(layer, value)| match value {
            Value::Object { value } | Value::Bare(value) => (layer, value),
        };
        LayerNumbers {
            name: graph.name.unwrap_or_else(|| name.to_owned()),
            numbers: graph.results.into_iter().map(number).collect(),
        }
    };
    Ok(match serde_json::from_str::<Json>(text).map_err(|error| Error::input(name, error))? {
        Json::Graph(graph) => of_graph(graph),
        Json::Graphs(graphs) => {
            of_graph(graphs.into_values().next().ok_or_else(|| Error::input(name, "it names no graph"))?)
        }
        Json::Flat(numbers) => LayerNumbers { name: name.to_owned(), numbers: numbers.into_iter().collect() },
    })
}

/// Opens the table in `text`, the contents of the file `name`.
fn table<'a>(name: &str, text: &'a str) -> ::csv::Reader<&'a [u8]> {
    let separator = if name.to_lowercase().ends_with(".tsv") { b'\t' } else { b',' };
    ::csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes())
}

/// Reads a table. Of a report of Faultscope it takes the SDC rates of layers; of another table the column `value`, or the
/// first whose cells are numbers.
fn csv(name: &str, text: &str) -> Result<LayerNumbers> {
    let failed = |error: ::csv::Error| Error::input(name, error);
    let mut reader = table(name, text);
    let head = reader.headers().map_err(failed)?.clone();
    let column = |wanted: &str| head.iter().position(|cell| cell.trim().eq_ignore_ascii_case(wanted));
    let layer = head.iter().position(is_layer).ok_or_else(|| {
        Error::input(
            name,
            format_args!("its first line has no column \"layer\", but {:?}", head.iter().collect::<Vec<_>>()),
        )
    })?;
    let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let number = |row: &::csv::StringRecord, at: usize| row.get(at).and_then(|cell| cell.trim().parse::<f64>().ok());
    let is_ours = column("table").zip(column("measure")).zip(column("value"));
    let (value, rows): (usize, Vec<_>) = match is_ours {
        Some(((table, measure), value)) => {
            let is_rate =
                |row: &&::csv::StringRecord| row.get(table) == Some("layer") && row.get(measure) == Some("sdc");
            (value, rows.iter().filter(is_rate).collect())
        }
        None => {
            let is_number = |&at: &usize| at != layer && rows.iter().any(|row| number(row, at).is_some());
            let value = column("value").or_else(|| (0..head.len()).find(is_number));
            let value = value.ok_or_else(|| Error::input(name, "no column beside that of the layers holds numbers"))?;
            (value, rows.iter().collect())
        }
    };
    let of = if is_ours.is_some() { "SDC rate" } else { head.get(value).unwrap_or(name) };
    let numbers = rows.iter().filter_map(|row| Some((row.get(layer)?.trim().to_owned(), number(row, value)?)));
    Ok(LayerNumbers { name: of.to_owned(), numbers: numbers.filter(|(_, value)| value.is_finite()).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> LayerNumbers {
        assert!(LayerNumbers::is_meant(name, text), "{text}");
        LayerNumbers::read(name, text).expect("numbers")
    }

    #[test]
    fn tables_and_node_data_are_read() {
        let two = [("conv1".to_owned(), 1.5), ("a,b".to_owned(), -2.0)];
        let table = read("x.csv", "index,Layer,latency ms\n,conv1,1.5\n,\"a,b\",-2\n,odd,n/a\n");
        assert_eq!((table.name.as_str(), &table.numbers[..]), ("latency ms", &two[..]));
        let table = read("x.tsv", "node\tkind\tvalue\nconv1\tConv\t1.5\na,b\t3\t-2\n");
        assert_eq!((table.name.as_str(), &table.numbers[..]), ("value", &two[..]));
        let report = read(
            "x.csv",
            "campaign,table,layer,measure,value\nx,layer,conv1,sdc,0.5\nx,layer,conv1,scm,0.1\nx,faults,,sdc,1\n",
        );
        assert_eq!((report.name.as_str(), &report.numbers[..]), ("SDC rate", &[("conv1".to_owned(), 0.5)][..]));
        for text in [
            r#"{"a,b": -2, "conv1": 1.5}"#,
            r#"{"name": "bytes", "results": {"a,b": {"value": -2}, "conv1": {"value": 1.5, "bgColor": "red"}}, "gradient": []}"#,
            r#"{"main": {"results": {"a,b": -2, "conv1": 1.5}}}"#,
        ] {
            let mut found = read("x.json", text).numbers;
            found.reverse();
            assert_eq!(found, two, "{text}");
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        for (name, text) in
            [("l.csv", "name,label\na.png,3\n"), ("config.json", r#"{"version": 1, "campaign": {"seed": 1}}"#)]
        {
            assert!(!LayerNumbers::is_meant(name, text), "{text}");
        }
        assert!(LayerNumbers::read("x.csv", "layer,kind\nconv1,Conv\n").is_err());
        assert!(LayerNumbers::read("x.csv", "layer,value\n").is_err());
    }
}
