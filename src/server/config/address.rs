//! A visitor's address: where it is read, and what limits count as one. Pure; called where a request comes in (`session/`,
//! `transports/`), and by what counts connections.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Where a visitor's address is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddress {
    /// The other end of the TCP connection.
    Peer,
    /// The last entry of `X-Forwarded-For`, which the proxy in front of us wrote. Without a proxy anyone could.
    XForwardedFor,
}

/// What limits count as one: an IPv4 address, or the 64 bits of an IPv6 address that a provider gives to one customer, who
/// has all the addresses beneath.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// A visitor's address, as configured. An unreadable header counts as the proxy's own address.
pub fn client_address(how: ClientAddress, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
    let forwarded = || forwarded_for?.rsplit(',').next()?.trim().parse().ok();
    match how {
        ClientAddress::Peer => peer,
        ClientAddress::XForwardedFor => forwarded().unwrap_or(peer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_are_one() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ] {
            assert_eq!(network(address.parse().unwrap()).to_string(), counted);
        }
    }
}
