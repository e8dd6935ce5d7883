//! `assessd tenant` and `assessd key`. Only a new key goes to standard output, so that scripts can take it from there.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::{Subcommand, builder::PossibleValuesParser};

use crate::{
    auth::Role,
    config::{Flags, Settings},
    pb::{self, admin_service_client::AdminServiceClient},
    telemetry,
};

use super::{
    client::{Target, explain},
    say_line,
    serve::Database,
};

#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Make a tenant and print its first administrator's key, which is shown this once
    #[command(after_help = "\
Examples:
  DATABASE_URL=postgres://assessd@db/assessd assessd tenant create 'Acme Retail'
  ASSESSD_API_KEY=$(assessd tenant create 'Acme Retail')

Works on the database itself. An embedded one must not be in use: stop the service first.")]
    Create {
        /// What people call it, 1 to 200 characters
        name: String,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Tenant {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Create { name, mut flags } = self;
        let length = name.chars().count();
        if name.trim() != name || !(1..=200).contains(&length) {
            anyhow::bail!("the name of a tenant has 1 to 200 characters, without blanks at its ends");
        }
        flags.log.get_or_insert_with(|| "warn".to_owned());
        let settings = Settings::load(&flags)?;
        let _telemetry = telemetry::init(&settings)?;
        let opened = Database::open(&settings).await?;
        if opened.cluster.is_some() {
            opened.db.migrate().await.context("the embedded database could not be migrated")?;
        } else {
            opened.db.check().await.map_err(|why| anyhow!(why))?;
        }
        let made = opened.db.create_tenant(&name).await;
        opened.close().await;
        let (tenant, key) = made.map_err(|error| explain(&error.into()))?;
        eprintln!("made tenant {name:?} ({tenant}); the key of its administrator is shown this once:");
        say_line(&key)?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make an API key and print it; it is shown this once
    #[command(after_help = "\
Examples:
  assessd key create --display-name 'training portal' --role deliverer
  assessd key create --display-name 'HR platform' --role analyst --role operator")]
    Create {
        /// What it is for, 1 to 200 characters
        #[arg(long, value_name = "TEXT")]
        display_name: String,
        /// What it may do; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true,
            value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)))]
        roles: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
}

impl Key {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Create { display_name, roles, target } = self;
        let roles = roles
            .iter()
            .filter_map(|word| Role::parse(word))
            .map(|role| pb::Role::from(role) as i32)
            .collect();
        let api_key = pb::ApiKey { display_name, roles, ..pb::ApiKey::default() };
        let mut client = AdminServiceClient::new(target.connect().await?);
        let made = client
            .create_api_key(pb::CreateApiKeyRequest { api_key: Some(api_key) })
            .await
            .map_err(|status| explain(&status))?
            .into_inner();
        eprintln!("made {}; it is shown this once:", made.api_key.unwrap_or_default().name);
        say_line(&made.secret)?;
        Ok(ExitCode::SUCCESS)
    }
}
