//! Discovers callback URLs of cloud flows and writes them into Dataverse.
