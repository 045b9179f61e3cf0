//! The explorer's page.

fn main() {
    faultscope::platform::run_constructors();
    console_error_panic_hook::set_once();
    faultscope::web::page::start();
}
