//! Python's pickles, as far as they hold plain data: numbers, text, lists, dictionaries and arrays of numpy.
//!
//! A pickle is a program for a stack machine that may call any function of Python. This reader calls none. It knows the
//! operations that make plain data, and three functions by their names, which it replaces by their results; every other function
//! is refused by name. Values lie in one list and refer to each other by number, so that a file of a few bytes cannot grow.

use std::collections::HashMap;
use std::sync::Arc;

/// Most values in a pickle: a list of labels and one of file names have a few ten thousand each.
const MOST_VALUES: usize = 1 << 22;

/// A value of a pickle. Numbers refer to the list of values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// A list, tuple or set.
    List(Vec<usize>),
    /// Keys and values.
    Dict(Vec<(usize, usize)>),
    /// A function or class, by module and name.
    Global(&'static str),
    /// An array of numpy.
    Array(NumpyArray),
    /// A type of numpy, `u1`, and whether the most significant byte is first.
    Type(String, bool),
}

/// An array of numpy.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NumpyArray {
    pub shape: Vec<usize>,
    /// Type as numpy writes it, `u1`.
    pub element: String,
    pub big_endian: bool,
    pub fortran: bool,
    /// The elements.
    pub data: Arc<[u8]>,
}

/// What is wrong with a pickle, as the end of a sentence.
type Problem = String;

/// The values of a pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    top: usize,
}

impl Pickle {
    /// Reads the pickle in `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut machine = Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            encoded: bytes.len(),
        };
        let top = machine.run()?;
        Ok(Self { values: machine.values, top })
    }

    /// The value that the pickle is.
    pub fn top(&self) -> &Value {
        &self.values[self.top]
    }

    /// The value with the number `index`.
    pub fn value(&self, index: usize) -> &Value {
        &self.values[index]
    }

    /// The entry `key` of the dictionary that the pickle is. In Python 3 a key may be text or bytes.
    pub fn entry(&self, key: &str) -> Option<&Value> {
        let Value::Dict(entries) = self.top() else { return None };
        let is = |index: usize| match self.value(index) {
            Value::Text(text) => **text == *key,
            Value::Bytes(bytes) => **bytes == *key.as_bytes(),
            _ => false,
        };
        entries.iter().find(|(name, _)| is(*name)).map(|&(_, value)| self.value(value))
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
    /// Bytes that may still be made of text: a text can be used again and again.
    encoded: usize,
}

impl<'a> Machine<'a> {
    /// Runs to the end. Returns the number of the value that is left.
    fn run(&mut self) -> Result<usize, Problem> {
        loop {
            let code = self.take(1)?[0];
            match code {
                b'.' => return self.pop(),
                // PROTO, FRAME.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.since_mark()?),
                b'N' => self.push(Value::None)?,
                0x88 => self.push(Value::Bool(true))?,
                0x89 => self.push(Value::Bool(false))?,
                b'K' | b'M' | b'J' | b'I' | b'L' | b'F' | 0x8a | b'G' => self.number(code)?,
                b'S' | b'V' | b'T' | b'U' | b'X' | 0x8c | 0x8d | b'B' | b'C' | 0x8e | 0x96 => self.text(code)?,
                b']' | b')' | 0x8f => self.push(Value::List(Vec::new()))?,
                b'}' => self.push(Value::Dict(Vec::new()))?,
                b'l' | b't' => {
                    let items = self.since_mark()?;
                    self.push(Value::List(items))?;
                }
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let from = self.stack.len().checked_sub(count).ok_or("its stack is empty")?;
                    let items = self.stack.split_off(from);
                    self.push(Value::List(items))?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.since_mark()?;
                    self.append(items)?;
                }
                b'd' => {
                    let items = self.since_mark()?;
                    self.push(Value::Dict(Vec::new()))?;
                    self.set(&items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(&[key, value])?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    self.set(&items)?;
                }
                b'p' | b'q' | b'r' | 0x94 => {
                    let place = match code {
                        b'p' => self.line()?.parse().map_err(|_| "a number of its memory is none")?,
                        b'q' => u32::from(self.take(1)?[0]),
                        b'r' => self.length(4)? as u32,
                        _ => self.memo.len() as u32,
                    };
                    let top = self.top()?;
                    self.memo.insert(place, top);
                }
                b'g' | b'h' | b'j' => {
                    let place = match code {
                        b'g' => self.line()?.parse().map_err(|_| "a number of its memory is none")?,
                        b'h' => u32::from(self.take(1)?[0]),
                        _ => self.length(4)? as u32,
                    };
                    let value = *self.memo.get(&place).ok_or("it reads memory that it has not written")?;
                    self.stack.push(value);
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module, name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                        return Err("it calls a function whose name is no text".to_owned());
                    };
                    let (module, name) = (module.clone(), name.clone());
                    self.global(&module, &name)?;
                }
                b'R' => self.call()?,
                b'b' => self.build()?,
                other => return Err(format!("it uses the operation {other:#04x}, which plain data does not need")),
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or("it is cut short")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A little-endian number of `size` bytes.
    fn length(&mut self, size: usize) -> Result<u64, Problem> {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(self.take(size)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn line(&mut self) -> Result<&'a str, Problem> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("it is cut short")?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| "a line of it is not text".to_owned())
    }

    fn push(&mut self, value: Value) -> Result<(), Problem> {
        if self.values.len() >= MOST_VALUES {
            return Err(format!("it has more than {MOST_VALUES} values"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn top(&self) -> Result<usize, Problem> {
        self.stack.last().copied().ok_or_else(|| "its stack is empty".to_owned())
    }

    fn pop(&mut self) -> Result<usize, Problem> {
        self.stack.pop().ok_or_else(|| "its stack is empty".to_owned())
    }

    fn since_mark(&mut self) -> Result<Vec<usize>, Problem> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or("a mark is missing on its stack")?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<usize>) -> Result<(), Problem> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::List(list) => list.extend(items),
            _ => return Err("it appends to something that is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: &[usize]) -> Result<(), Problem> {
        let top = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        match &mut self.values[top] {
            Value::Dict(entries) if rest.is_empty() => entries.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err("it sets an entry of something that is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn number(&mut self, code: u8) -> Result<(), Problem> {
        let odd = || "a number of it is none".to_owned();
        let value = match code {
            b'K' => Value::Int(i64::from(self.take(1)?[0])),
            b'M' => Value::Int(self.length(2)? as i64),
            b'J' => Value::Int(i64::from(self.length(4)? as u32 as i32)),
            b'I' => match self.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                line => Value::Int(line.trim().parse().map_err(|_| odd())?),
            },
            b'L' => Value::Int(self.line()?.trim_end_matches('L').parse().map_err(|_| odd())?),
            0x8a => {
                let size = usize::from(self.take(1)?[0]);
                if size > 8 {
                    return Err("it has a number of more than 64 bits".to_owned());
                }
                let bits = self.length(size)?;
                let unused = 64 - 8 * size as u32;
                Value::Int(if size == 0 { 0 } else { (bits << unused) as i64 >> unused })
            }
            // A floating-point number is no part of the data; its place is kept.
            b'G' => {
                self.take(8)?;
                Value::None
            }
            _ => {
                self.line()?;
                Value::None
            }
        };
        self.push(value)
    }

    fn text(&mut self, code: u8) -> Result<(), Problem> {
        if matches!(code, b'S' | b'V') {
            let line = self.line()?.trim_matches(['\'', '"']);
            return self.push(Value::Text(line.into()));
        }
        let length = self.length(match code {
            b'U' | b'C' | 0x8c => 1,
            b'T' | b'X' | b'B' => 4,
            _ => 8,
        })?;
        let taken = self.take(usize::try_from(length).map_err(|_| "it is cut short")?)?;
        let value = match code {
            b'X' | 0x8c | 0x8d => {
                Value::Text(std::str::from_utf8(taken).map_err(|_| "a text of it is not UTF-8")?.into())
            }
            _ => Value::Bytes(taken.into()),
        };
        self.push(value)
    }

    /// Names a function. Only those are known whose results are plain data.
    fn global(&mut self, module: &str, name: &str) -> Result<(), Problem> {
        let known = match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => "reconstruct",
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => "frombuffer",
            ("numpy", "ndarray") => "ndarray",
            ("numpy", "dtype") => "dtype",
            ("_codecs", "encode") => "encode",
            ("collections", "OrderedDict") => "dict",
            ("__builtin__" | "builtins", "bytes") => "bytes",
            _ => {
                return Err(format!(
                    "it calls {module}.{name}, and no function is called for a file; only dictionaries of plain values and \
                     arrays of numpy are read"
                ));
            }
        };
        self.push(Value::Global(known))
    }

    /// The result of a known function.
    fn call(&mut self) -> Result<(), Problem> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::List(arguments) = self.values[arguments].clone() else {
            return Err("it calls a function without arguments".to_owned());
        };
        let Value::Global(function) = self.values[function] else {
            return Err("it calls something that is no function".to_owned());
        };
        let argument = |index: usize| arguments.get(index).map(|&index| &self.values[index]);
        let odd = || format!("it calls {function} with other arguments than numpy does");
        let made = match function {
            "reconstruct" => Value::Array(NumpyArray::default()),
            "dict" if arguments.is_empty() => Value::Dict(Vec::new()),
            "bytes" if arguments.is_empty() => Value::Bytes(Arc::default()),
            "dtype" => Value::Type(argument(0).and_then(text).ok_or_else(odd)?, false),
            // Where a protocol has no bytes, Python 3 writes them as text in Latin-1.
            "encode" => {
                let Some(Value::Text(text)) = argument(0) else { return Err(odd()) };
                let bytes: Option<Arc<[u8]>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
                let bytes = bytes.ok_or("a text of it is not in Latin-1")?;
                self.encoded = self.encoded.checked_sub(bytes.len()).ok_or("it makes more bytes than it has")?;
                Value::Bytes(bytes)
            }
            "frombuffer" => match (argument(0), argument(1), argument(2), argument(3)) {
                (Some(Value::Bytes(data)), Some(Value::Type(element, big)), Some(shape), Some(order)) => {
                    Value::Array(NumpyArray {
                        shape: self.shape(shape).ok_or_else(odd)?,
                        element: element.clone(),
                        big_endian: *big,
                        fortran: text(order).as_deref() == Some("F"),
                        data: Arc::clone(data),
                    })
                }
                _ => return Err(odd()),
            },
            _ => return Err(odd()),
        };
        self.push(made)
    }

    /// Completes an array or a type of numpy by its state.
    fn build(&mut self) -> Result<(), Problem> {
        let (state, object) = (self.pop()?, self.top()?);
        let odd = || "it builds something else than an array of numpy".to_owned();
        let Value::List(state) = &self.values[state] else { return Err(odd()) };
        let item = |index: usize| state.get(index).map(|&index| &self.values[index]);
        let built = match &self.values[object] {
            Value::Type(name, _) => Value::Type(name.clone(), item(1).and_then(text).ok_or_else(odd)? == ">"),
            Value::Array(_) => match (item(1), item(2), item(3), item(4)) {
                (Some(shape), Some(Value::Type(element, big)), Some(&Value::Bool(fortran)), Some(data)) => {
                    let Value::Bytes(data) = data else { return Err(odd()) };
                    let data = Arc::clone(data);
                    let shape = self.shape(shape).ok_or_else(odd)?;
                    Value::Array(NumpyArray { shape, element: element.clone(), big_endian: *big, fortran, data })
                }
                _ => return Err(odd()),
            },
            _ => return Err(odd()),
        };
        self.values[object] = built;
        Ok(())
    }

    fn shape(&self, value: &Value) -> Option<Vec<usize>> {
        let Value::List(axes) = value else { return None };
        let axis = |&index: &usize| match self.values[index] {
            Value::Int(length) => usize::try_from(length).ok(),
            _ => None,
        };
        axes.iter().map(axis).collect()
    }
}

/// A text, which Python 2 writes as bytes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    }
}
