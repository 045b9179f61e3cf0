//! A static file server, and nothing more: what the page may count on wherever it is published.

use std::{
    future::IntoFuture,
    path::Path,
    sync::{Mutex, PoisonError},
};

use axum::Router;
use tokio::{net::TcpListener, runtime::Runtime};
use tower_http::services::ServeDir;

/// The page lies below this path, not at the server's root, so that an absolute URL in it does not work by accident.
const FOLDER: &str = "/faultscope";

/// Serves until it is stopped or dropped.
pub struct Server {
    url: String,
    runtime: Mutex<Option<Runtime>>,
}

impl Server {
    /// Serves `folder` on a free port of this machine.
    pub fn start(folder: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let files = Router::new().nest_service(FOLDER, ServeDir::new(folder));
        runtime.spawn(axum::serve(listener, files).into_future());
        Self { url: format!("http://{address}{FOLDER}/"), runtime: Mutex::new(Some(runtime)) }
    }

    /// Ends it, with every connection.
    pub fn stop(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        }
    }

    /// The page's URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}
