//! The explorer's page.

fn main() {
    console_error_panic_hook::set_once();
    faultscope_page::start();
}
