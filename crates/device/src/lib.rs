//! A GPU described: configuration files, defaults and limits as one typed value.
