//! `cargo xtask serve`: the explorer on this machine.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    catalogue, page, plan, process,
    server::{self, Names},
    setup::{self, PageBuilder},
    steps::{Steps, shown},
    workspace,
};

/// The pause between two looks at the processes that run.
const PAUSE: Duration = Duration::from_millis(500);

/// The address to serve on.
#[derive(clap::Args)]
pub struct Options {
    /// The port to serve it on.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to serve it on; any but the default lets other machines see it.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// A further name of this machine, without the port, that the server answers to. Otherwise it answers to localhost and
    /// to addresses only, so that no page elsewhere can give this machine a name and read from it.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Open it in the browser when it is there.
    #[arg(long)]
    open: bool,
}

impl Options {
    /// The address at which a program on this machine reaches the server.
    fn reachable(&self) -> SocketAddr {
        let ip = match self.address {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.port)
    }
}

/// Sets up, builds the page, serves it until stopped, and fetches the larger model meanwhile. A change of the source
/// builds the page again.
///
/// # Errors
/// If set-up or the build fails, or another program uses the port.
pub fn run(options: &Options, steps: &mut Steps) -> Result<()> {
    // Asked now, because the build may take half an hour.
    TcpListener::bind((options.address, options.port)).map(drop).with_context(|| {
        format!("port {} of {} cannot be used; `--port` chooses another", options.port, options.address)
    })?;
    plan::serve()?;
    let builder = setup::page_builder(steps)?;
    // Trunk.toml names it among the folders that are not watched, and trunk wants each of them to exist, also where cargo
    // builds elsewhere.
    fs::create_dir_all(workspace::root()?.join("target")).context("cannot make the folder target")?;
    let server = steps.run("build the explorer", || Running::builder(&builder))?;
    let names = Names { address: options.address, port: options.port, more: options.host.clone() };
    server::start(&page::folder()?, names).with_context(|| format!("cannot serve on port {}", options.port))?;
    steps.summary();
    println!("\nThe explorer is on http://{} (Ctrl-C stops it).", options.reachable());
    if options.open {
        open(&format!("http://{}", options.reachable()));
    }
    attend(server)
}

/// Opens `url` in the browser, where the system has a program for it.
fn open(url: &str) {
    let Some(program) = ["xdg-open", "open", "explorer"].into_iter().find_map(process::find) else {
        println!("    there is no program that opens the browser");
        return;
    };
    if let Err(error) = Command::new(&program).arg(url).spawn() {
        println!("    {} cannot open the browser: {error}", program.display());
    }
}

/// Fetches the larger model if it is missing, keeps the page's models up to date, and returns when the builder ends.
fn attend(mut builder: Running) -> Result<()> {
    let (root, folder) = (workspace::root()?, page::folder()?);
    let mut fetch = (!page::has_larger_model()?).then(Running::fetch).transpose()?;
    loop {
        if let Some(running) = &mut fetch
            && let Some(succeeded) = running.ended()?
        {
            println!("    {}: {} ({})", if succeeded { "done" } else { "FAILED" }, running.name, running.time());
            if succeeded {
                catalogue::write(&root)?;
            } else {
                println!("    The explorer goes on with its own network. A model can be dropped on the page.");
            }
            fetch = None;
        }
        // A page that is built again in this moment is looked at in the next round.
        if catalogue::publish(&root, &folder).unwrap_or(false) {
            println!("==> a new model is on the page: please load the page again");
        }
        if builder.ended()?.is_some() {
            bail!("trunk ended");
        }
        thread::sleep(PAUSE);
    }
}

/// A program that runs beside this one, and ends with it.
struct Running {
    name: &'static str,
    begun: Instant,
    child: Child,
}

impl Running {
    /// Builds the page, and starts trunk, which builds it again after a change.
    fn builder(builder: &PageBuilder) -> Result<Self> {
        catalogue::write(&workspace::root()?)?;
        process::run(builder.trunk()?.arg("build"))?;
        let child = builder.trunk()?.arg("watch").spawn().context("cannot start trunk")?;
        Ok(Self { name: "build the explorer", begun: Instant::now(), child })
    }

    /// Starts to fetch the larger model.
    fn fetch() -> Result<Self> {
        let name = "fetch EfficientNet-Lite0 and its sample images";
        println!("==> {name}, behind the running page");
        println!(
            "    The first time, cargo compiles the command line tool for this. A change of the source waits for it."
        );
        let child = process::in_background(&page::fetch()?).spawn().context("cannot start cargo")?;
        Ok(Self { name, begun: Instant::now(), child })
    }

    /// Whether the program succeeded; `None` while it runs.
    fn ended(&mut self) -> Result<Option<bool>> {
        Ok(self.child.try_wait()?.map(|status| status.success()))
    }

    fn time(&self) -> String {
        shown(self.begun.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that the program has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_addresses_is_reached_on_the_local_one() {
        let at = |address: &str| {
            let address = address.parse().expect("an address");
            Options { port: 80, address, host: Vec::new(), open: false }.reachable().to_string()
        };
        assert_eq!(at("0.0.0.0"), "127.0.0.1:80");
        assert_eq!(at("::"), "[::1]:80");
        assert_eq!(at("192.0.2.1"), "192.0.2.1:80");
    }
}
