"""The heart of Interlock: declaring, compiling and carrying out transitions."""
