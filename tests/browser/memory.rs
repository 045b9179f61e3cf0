//! The memory that a tab needs, as the browser's engine counts it.
//!
//! The figures do not depend on load: objects are counted after a garbage collection, and a WebAssembly memory never
//! shrinks, so that its size is the most that its program needed at once. Compiled code and the browser's own data
//! are not counted, because their size depends on when the browser optimizes and tidies up.

use std::error::Error;

use headless_chrome::{Tab, protocol::cdp};
use serde_json::{Value, json};

/// Bytes of a page, or of workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// JavaScript objects, with the content of their buffers.
    pub objects: u64,
    /// WebAssembly memory.
    pub program: u64,
}

/// Bytes of a tab.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// The page.
    pub page: Part,
    /// All of its workers.
    pub workers: Part,
}

impl Memory {
    /// All bytes together.
    pub fn sum(&self) -> u64 {
        self.page.objects + self.page.program + self.workers.objects + self.workers.program
    }

    /// The figures in megabytes, for people.
    pub fn shown(&self) -> String {
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        format!(
            "{}: page {} and {} of WebAssembly, workers {} and {} of WebAssembly",
            megabytes(self.sum()),
            megabytes(self.page.objects),
            megabytes(self.page.program),
            megabytes(self.workers.objects),
            megabytes(self.workers.program)
        )
    }
}

/// The object whose instances are the WebAssembly memories.
const PROTOTYPE: &str = "WebAssembly.Memory.prototype";
/// Adds up the sizes of a list of WebAssembly memories.
const SUM: &str = "function() { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) }";

/// Measures the page of `tab`.
pub fn of_page(tab: &Tab) -> Result<Part, Box<dyn Error>> {
    tab.call_method(cdp::HeapProfiler::CollectGarbage(None))?;
    let heap = tab.call_method(cdp::Runtime::GetHeapUsage(None))?;
    let evaluate: cdp::Runtime::Evaluate = serde_json::from_value(json!({ "expression": PROTOTYPE }))?;
    let prototype = tab.call_method(evaluate)?.result.object_id.ok_or("there is no WebAssembly")?;
    let query: cdp::Runtime::QueryObjects = serde_json::from_value(json!({ "prototypeObjectId": prototype }))?;
    let memories = tab.call_method(query)?.objects.object_id.ok_or("the page does not list its memories")?;
    let call: cdp::Runtime::CallFunctionOn =
        serde_json::from_value(json!({ "objectId": memories, "functionDeclaration": SUM, "returnByValue": true }))?;
    let program = tab.call_method(call)?.result.value.as_ref().and_then(Value::as_u64);
    let program = program.ok_or("the page does not tell the size of its memory")?;
    Ok(Part { objects: (heap.used_size + heap.embedder_heap_used_size + heap.backing_storage_size) as u64, program })
}

/// Measures a worker that answers what `ask` asks: a method of the DevTools protocol, with its parameters.
pub fn of_worker(ask: impl Fn(&str, Value) -> Result<Value, String>) -> Result<Part, String> {
    ask("HeapProfiler.collectGarbage", json!({}))?;
    let heap = ask("Runtime.getHeapUsage", json!({}))?;
    let sizes = ["usedSize", "embedderHeapUsedSize", "backingStorageSize"];
    let objects = sizes.iter().filter_map(|name| heap[*name].as_f64()).sum::<f64>() as u64;
    let prototype = ask("Runtime.evaluate", json!({ "expression": PROTOTYPE }))?;
    let memories = ask("Runtime.queryObjects", json!({ "prototypeObjectId": prototype["result"]["objectId"] }))?;
    let call = json!({
        "objectId": memories["objects"]["objectId"],
        "functionDeclaration": SUM,
        "returnByValue": true,
    });
    let answer = ask("Runtime.callFunctionOn", call)?;
    let program = answer["result"]["value"].as_u64().ok_or_else(|| format!("the worker says {answer}"))?;
    Ok(Part { objects, program })
}
