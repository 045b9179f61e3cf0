//! The command line tool.

fn main() -> std::process::ExitCode {
    faultscope::cli::main(std::env::args_os().skip(1))
}
