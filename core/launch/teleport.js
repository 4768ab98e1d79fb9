#!/usr/bin/env node
import "../bundle/teleport.js";
