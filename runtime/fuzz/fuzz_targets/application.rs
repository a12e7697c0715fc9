#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zvm_attack::parse::application(data));
