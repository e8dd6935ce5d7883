//! stub
use crate::{assembly::blueprint::Blueprint, auth::Caller, db::Unit, error::Result, ids::*};
/// stub
pub async fn insert_declared(
    _u: &mut Unit,
    _c: &Caller,
    _n: &BlueprintName,
    _b: &BankName,
    _t: &str,
    _m: Blueprint,
) -> Result<()> {
    Ok(())
}
