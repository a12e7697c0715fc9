//! `boot/system.map`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A program of the application. ZeroVM's maps have a list of them; ours have one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Group {
    /// The application's name.
    pub name: String,
    /// The program.
    pub exec: Exec,
    /// Its channels, by ZeroVM's names.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// What ZeroVM's maps do not have.
    pub zvm: Extra,
}

/// How it starts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Exec {
    /// `file://NAME:PATH`: PATH in the tar.
    pub path: String,
    /// Words as in nvram's `[args]`, without the program's name.
    #[serde(default)]
    pub args: String,
    /// Values in nvram's spelling.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// A channel.
#[derive(Debug, Serialize, Deserialize)]
pub struct Device {
    /// `stdin`, ….
    pub name: String,
}

/// What is ours.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extra {
    /// 1.
    pub version: u32,
    /// `ro` or `overlay`: what becomes of changes to the files.
    pub root: String,
    /// Bytes of heap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// BLAKE3 of all bytes behind this file, in hex.
    pub digest: String,
}

/// The version of this format.
pub const VERSION: u32 = 1;
