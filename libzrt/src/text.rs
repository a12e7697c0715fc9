//! Formatting into strings without `alloc`'s `format!`: that comes compiled with unwinding, and the archive would ask for
//! an unwinder in every C program.

use alloc::string::String;
use core::fmt;

/// As `alloc::format!`.
macro_rules! text {
    ($($arguments:tt)*) => {
        $crate::text::written(format_args!($($arguments)*))
    };
}
pub(crate) use text;

/// What `arguments` show as.
pub(crate) fn written(arguments: fmt::Arguments<'_>) -> String {
    struct Text(String);

    impl fmt::Write for Text {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.push_str(text);
            Ok(())
        }
    }

    let mut text = Text(String::new());
    // A string takes everything; what is shown here has no errors of its own.
    let _ = fmt::write(&mut text, arguments);
    text.0
}
