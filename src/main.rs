//! The command line tool.

fn main() -> std::process::ExitCode {
    faultscope::cli::main()
}
