//! The `assessd` command. Everything it does stands in the library.

fn main() -> std::process::ExitCode {
    assessd::cli::main()
}
