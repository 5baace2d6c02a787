# SPDX-License-Identifier: MIT
# nix-build packaging
{
  pkgs ? import <nixpkgs> { },
}:

pkgs.stdenv.mkDerivation {
  pname = "ucp";
  version = "0.2.0";
  src = pkgs.lib.cleanSource ../.;

  buildInputs = [
    pkgs.jansson
    pkgs.liburing
    pkgs.xxHash
  ];
  makeFlags = [ "PREFIX=$(out)" ];
  enableParallelBuilding = true;

  meta = {
    description = "Copies files and directory trees in parallel, with all options of cp";
    license = pkgs.lib.licenses.mit;
    mainProgram = "ucp";
    platforms = pkgs.lib.platforms.linux;
  };
}
