//! `assessd tenant` and `assessd key`. Of what makes a key only the key goes to standard output, so that scripts can take
//! it from there.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use chrono::{DateTime, Utc};
use clap::{Subcommand, builder::PossibleValuesParser};
use uuid::Uuid;

use crate::{
    admin::tenants,
    auth::{Role, role_from_pb},
    config::{Flags, Settings},
    db::Db,
    pb::{self, admin_service_client::AdminServiceClient},
    table::Table,
    telemetry,
};

use super::{
    client::{Connection, Target, explain},
    say, say_line,
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
    /// List the tenants
    List {
        #[command(flatten)]
        flags: Flags,
    },
    /// Make one more administrator's key for a tenant whose own are lost, and print it; it is shown this once
    NewKey {
        /// The tenant's id, as `assessd tenant list` prints it
        tenant: Uuid,
        #[command(flatten)]
        flags: Flags,
    },
    /// End every key of a tenant: nobody can call in its name until there is a new one
    RevokeKeys {
        /// The tenant's id, as `assessd tenant list` prints it
        tenant: Uuid,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Tenant {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Create { flags, .. }
            | Self::List { flags }
            | Self::NewKey { flags, .. }
            | Self::RevokeKeys { flags, .. } => flags,
        }
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Self::Create { name, .. } = &self {
            let length = name.chars().count();
            if name.trim() != name || !(1..=200).contains(&length) {
                bail!("the name of a tenant has 1 to 200 characters, without blanks at its ends");
            }
        }
        let mut flags = self.flags().clone();
        flags.log.get_or_insert_with(|| "warn".to_owned());
        let settings = Settings::load(&flags)?;
        let _telemetry = telemetry::init(&settings)?;
        let opened = Database::open(&settings).await?;
        if opened.cluster.is_some() {
            opened.db.migrate().await.context("the embedded database could not be migrated")?;
        } else {
            opened.db.check().await.map_err(|why| anyhow!(why))?;
        }
        let done = self.on(&opened.db).await;
        opened.close().await;
        done.map(|()| ExitCode::SUCCESS)
    }

    async fn on(&self, db: &Db) -> anyhow::Result<()> {
        match self {
            Self::Create { name, .. } => {
                let (tenant, key) = db.create_tenant(name).await?;
                eprintln!(
                    "made tenant {name:?} ({tenant}); the key of its administrator is shown this once:"
                );
                say_line(&key)?;
            }
            Self::List { .. } => {
                let mut table = Table::new(&["tenant", "name", "created"]);
                for row in tenants::list(db).await? {
                    table.row([row.tenant_id.to_string(), row.display_name, moment(Some(row.create_time))]);
                }
                say(&table.show(""))?;
            }
            Self::NewKey { tenant, .. } => {
                let key = tenants::new_administrator(db, *tenant).await?;
                eprintln!("made an administrator's key of {tenant}; it is shown this once:");
                say_line(&key)?;
            }
            Self::RevokeKeys { tenant, .. } => {
                let count = tenants::revoke_keys(db, *tenant).await?;
                say_line(&format!(
                    "{count} keys of {tenant} have ended; a service that runs follows within ten seconds"
                ))?;
            }
        }
        Ok(())
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
    /// List the API keys, without their secrets
    List {
        #[command(flatten)]
        target: Target,
    },
    /// End an API key; the service follows within ten seconds
    Revoke {
        /// The key, as `assessd key list` prints it
        #[arg(value_name = "apiKeys/ID")]
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

impl Key {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (Self::Create { target, .. } | Self::List { target } | Self::Revoke { target, .. }) = &self;
        let mut client = AdminServiceClient::new(target.connect().await?);
        match self {
            Self::Create { display_name, roles, .. } => {
                let roles = roles
                    .iter()
                    .filter_map(|word| Role::parse(word))
                    .map(|role| pb::Role::from(role) as i32)
                    .collect();
                let api_key = pb::ApiKey { display_name, roles, ..pb::ApiKey::default() };
                let made = client
                    .create_api_key(pb::CreateApiKeyRequest { api_key: Some(api_key) })
                    .await
                    .map_err(|status| explain(&status))?
                    .into_inner();
                eprintln!("made {}; it is shown this once:", made.api_key.unwrap_or_default().name);
                say_line(&made.secret)?;
            }
            Self::List { .. } => list(&mut client).await?,
            Self::Revoke { name, .. } => {
                let name = if name.contains('/') { name } else { format!("apiKeys/{name}") };
                let ended = client
                    .revoke_api_key(pb::RevokeApiKeyRequest { name })
                    .await
                    .map_err(|status| explain(&status))?
                    .into_inner();
                let at = ended.revoke_time.as_ref().and_then(pb::moment);
                say_line(&format!("{} ended at {}", ended.name, moment(at)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &mut AdminServiceClient<Connection>) -> anyhow::Result<()> {
    let mut table = Table::new(&["key", "what for", "roles", "created", "ends"]);
    let mut page_token = String::new();
    loop {
        let page = client
            .list_api_keys(pb::ListApiKeysRequest { page_size: 1000, page_token })
            .await
            .map_err(|status| explain(&status))?
            .into_inner();
        for key in page.api_keys {
            let roles: Vec<&str> =
                key.roles.iter().filter_map(|role| role_from_pb(*role)).map(Role::as_str).collect();
            let time = |time: Option<prost_types::Timestamp>| moment(time.as_ref().and_then(pb::moment));
            table.row([
                key.name,
                key.display_name,
                roles.join(" "),
                time(key.create_time),
                if key.revoke_time.is_some() {
                    format!("revoked {}", time(key.revoke_time))
                } else {
                    time(key.expire_time)
                },
            ]);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(say(&table.show(""))?);
        }
    }
}

/// A time to the minute, for tables.
fn moment(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "–".to_owned(), |time| time.format("%Y-%m-%d %H:%MZ").to_string())
}
