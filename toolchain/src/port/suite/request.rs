//! The web request that a `.phpt` test makes of PHP's CGI program: its environment and its body, as `run-tests.php` makes them,
//! and the parts of the response.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::Compression;
use flate2::read::{GzEncoder, ZlibEncoder};

/// Each of these, unless it is empty, makes a test one of the CGI program.
const SECTIONS: &[&str] = &[
    "GET",
    "POST",
    "POST_RAW",
    "PUT",
    "GZIP_POST",
    "DEFLATE_POST",
    "COOKIE",
    "EXPECTHEADERS",
];

/// What a browser's request becomes for a CGI program.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// `NAME=VALUE`.
    pub env: Vec<String>,
    /// What the program reads from stdin.
    pub body: Vec<u8>,
}

/// Whether a test with these sections is one of the CGI program.
pub fn wanted(sections: &BTreeMap<String, Vec<u8>>) -> bool {
    let filled = |name: &&str| {
        let text = sections.get(*name);
        text.is_some_and(|text| !text.trim_ascii().is_empty())
    };
    sections.contains_key("CGI") || SECTIONS.iter().any(filled)
}

/// The request for `script`; `own` is the test's environment, which goes before.
pub fn of(sections: &BTreeMap<String, Vec<u8>>, script: &str, own: Vec<String>) -> Request {
    let section = |name: &str| {
        let text = sections.get(name).map(|text| text.trim_ascii());
        text.filter(|text| !text.is_empty())
    };
    let text = |name| String::from_utf8_lossy(section(name).unwrap_or_default()).into_owned();
    let mut env = own;
    let mut set = |name: &str, value: &str| {
        let known = |line: &String| {
            let known = line.split_once('=').filter(|(known, _)| *known == name);
            known.is_some_and(|(_, value)| !value.is_empty())
        };
        if !env.iter().any(known) {
            env.push(format!("{name}={value}"));
        }
    };
    set("REDIRECT_STATUS", "1");
    set("QUERY_STRING", &text("GET"));
    set("PATH_TRANSLATED", script);
    set("SCRIPT_FILENAME", script);
    set("HTTP_COOKIE", &text("COOKIE"));
    const FORM: &str = "application/x-www-form-urlencoded";
    let mut method = "POST";
    let body = if let Some(raw) = section("POST_RAW") {
        with_type(raw, &mut set)
    } else if let Some(raw) = section("PUT") {
        method = "PUT";
        with_type(raw, &mut set)
    } else if let Some(form) = section("POST") {
        set("CONTENT_TYPE", FORM);
        form.to_vec()
    } else if let Some(form) = section("GZIP_POST") {
        set("CONTENT_TYPE", FORM);
        set("HTTP_CONTENT_ENCODING", "gzip");
        all(GzEncoder::new(form, Compression::best()))
    } else if let Some(form) = section("DEFLATE_POST") {
        set("CONTENT_TYPE", FORM);
        set("HTTP_CONTENT_ENCODING", "deflate");
        all(ZlibEncoder::new(form, Compression::best()))
    } else {
        method = "GET";
        Vec::new()
    };
    set("REQUEST_METHOD", method);
    if method != "GET" {
        set("CONTENT_LENGTH", &body.len().to_string());
    }
    Request { env, body }
}

/// What a reader that cannot fail gives.
fn all(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .expect("a slice is read whole");
    bytes
}

/// The body without its line `Content-Type:`, which becomes the request's type.
fn with_type(raw: &[u8], set: &mut impl FnMut(&str, &str)) -> Vec<u8> {
    const NAME: &str = "content-type:";
    let mut body: Vec<&[u8]> = Vec::new();
    let mut known = false;
    for line in raw.split(|&byte| byte == b'\n') {
        let head = line.get(..NAME.len()).unwrap_or_default();
        if !known && head.eq_ignore_ascii_case(NAME.as_bytes()) {
            let value = String::from_utf8_lossy(&line[NAME.len()..]).replace('\r', "");
            set("CONTENT_TYPE", value.trim());
            known = true;
        } else {
            body.push(line);
        }
    }
    body.join(&b'\n')
}

/// A response's lines `Name: value`, and what follows them.
pub fn parts(response: &[u8]) -> (BTreeMap<String, String>, &[u8]) {
    let blank = [&b"\r\n\r\n"[..], b"\n\n", b"\n\r\n"];
    let ends = blank.iter().filter_map(|blank| {
        let at = response.windows(blank.len()).position(|w| w == *blank)?;
        Some((at, at + blank.len()))
    });
    let Some((end, body)) = ends.min() else {
        return (BTreeMap::new(), response);
    };
    (headers(&response[..end]), &response[body..])
}

/// Lines `Name: value`; others are no headers.
pub fn headers(text: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(all: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
        all.iter().map(own).collect()
    }

    #[test]
    fn a_form_is_posted_and_the_test_s_own_environment_goes_before() {
        let sections = sections(&[("GET", "a=1\n"), ("POST", "b=2\n")]);
        assert!(wanted(&sections));
        let request = of(&sections, "/t.php", vec!["CONTENT_TYPE=x/y".to_owned()]);
        assert_eq!(request.body, b"b=2");
        let has = |line: &str| request.env.iter().any(|known| known == line);
        assert!(has("QUERY_STRING=a=1") && has("CONTENT_LENGTH=3") && has("REQUEST_METHOD=POST"));
        assert!(has("CONTENT_TYPE=x/y") && has("SCRIPT_FILENAME=/t.php"));
        assert_eq!(request.env.len(), 8, "{:?}", request.env);
    }

    #[test]
    fn the_type_of_a_raw_body_is_a_line_of_it() {
        let sections = sections(&[("PUT", "Content-type: a/b; c=d\r\nx\n\ny")]);
        let request = of(&sections, "/t.php", Vec::new());
        assert_eq!(request.body, b"x\n\ny");
        assert!(request.env.contains(&"CONTENT_TYPE=a/b; c=d".to_owned()));
        assert!(request.env.contains(&"REQUEST_METHOD=PUT".to_owned()));
    }

    #[test]
    fn a_packed_form_is_what_a_server_unpacks() {
        let unpacked = |request: &Request, mut reader: Box<dyn Read + '_>| {
            let size = format!("CONTENT_LENGTH={}", request.body.len());
            assert!(request.env.contains(&size), "{:?}", request.env);
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        };
        let gzip = of(&sections(&[("GZIP_POST", "a=1\n")]), "/t.php", Vec::new());
        let reader = Box::new(flate2::read::GzDecoder::new(&*gzip.body));
        assert_eq!(unpacked(&gzip, reader), "a=1");
        let deflate = of(&sections(&[("DEFLATE_POST", "b=2")]), "/t.php", Vec::new());
        let reader = Box::new(flate2::read::ZlibDecoder::new(&*deflate.body));
        assert_eq!(unpacked(&deflate, reader), "b=2");
    }

    #[test]
    fn empty_sections_ask_for_nothing_and_a_bare_get_has_no_body() {
        assert!(!wanted(&sections(&[("FILE", "x"), ("GET", "\n")])));
        let cgi = sections(&[("CGI", "")]);
        assert!(wanted(&cgi));
        let request = of(&cgi, "/t.php", Vec::new());
        assert!(request.body.is_empty());
        assert!(!request.env.iter().any(|l| l.starts_with("CONTENT_LENGTH")));
    }

    #[test]
    fn a_response_is_headers_and_a_body() {
        let (headers, body) = parts(b"X-A: b: c\r\nContent-type: text/html\r\n\r\nhi\n\nthere");
        assert_eq!(headers["X-A"], "b: c");
        assert_eq!((headers.len(), body), (2, &b"hi\n\nthere"[..]));
        assert_eq!(
            parts(b"no headers\n"),
            (BTreeMap::new(), &b"no headers\n"[..])
        );
    }
}
