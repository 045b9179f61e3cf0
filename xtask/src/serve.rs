//! `cargo xtask serve`: the explorer on this machine.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use crate::{page, process, setup, steps::Steps};

/// Where to serve it.
#[derive(clap::Args)]
pub struct Options {
    /// The port to serve it on.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to serve it on; any but the default lets other machines see it.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Open it in the browser when it is there.
    #[arg(long)]
    open: bool,
}

/// Sets up, fetches EfficientNet-Lite0, builds the page and serves it until stopped; a change of the source builds it again.
///
/// # Errors
/// Where set-up or the build fails, or the port is taken.
pub fn run(options: &Options, steps: &mut Steps) -> Result<()> {
    let builder = setup::page_builder(steps)?;
    if let Err(error) = steps.run("fetch EfficientNet-Lite0 and its sample images", page::fetch_models) {
        println!(
            "    {error:#}\n    The explorer opens with its built-in network; a model can still be dropped on the page."
        );
    }
    steps.run("build the explorer (the first time takes long)", || page::build(&builder))?;

    println!("==> serve the explorer on http://{}:{} (Ctrl-C stops it)", options.address, options.port);
    let mut serve = builder.trunk()?;
    serve.args(["serve", "--port", &options.port.to_string(), "--address", &options.address.to_string()]);
    if options.open {
        serve.arg("--open");
    }
    process::run(&mut serve)
}
